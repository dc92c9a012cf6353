"""`python -m bot check` says in one line whether the bot can work with NATS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nats
import pytest

from tests.helpers.bot_processes import run_bot
from tests.helpers.nats import nats_server
from tests.scenarios.world import World

pytestmark = [pytest.mark.services("nats-server"), pytest.mark.one_engine]


async def line(world: World, **settings: str) -> str:
    """The line of the check that begins with the name nats; '' without one."""
    _, out, err = await run_bot("check", settings=world.settings(**settings), folder=world.folder)
    lines = [line for line in out.splitlines() if line[2:].startswith("nats ")]
    assert len(lines) <= 1, out
    assert "Traceback" not in err, err
    return " ".join(lines[0].split()) if lines else ""


async def test_without_nats_url_there_is_no_line(world: World) -> None:
    assert await line(world) == ""


async def test_an_empty_server_gets_its_stream_from_the_first_start(world: World) -> None:
    with nats_server() as server:
        assert await line(world, NATS_URL=server.url) == (
            "✓ nats the first start creates the stream SOPBOT"
        )
        client = await nats.connect(server.url)
        assert not await client.jetstream().streams_info(), "a check creates nothing"
        await client.close()


async def test_a_stream_that_takes_every_subject_is_named(world: World) -> None:
    with nats_server() as server:
        client = await nats.connect(server.url)
        await client.jetstream().add_stream(
            name="AIOPS", subjects=["anomaly.>", "incidents.*", "enrichment.>"]
        )
        await client.close()
        assert await line(world, NATS_URL=server.url) == "✓ nats anomalies from AIOPS"


async def test_a_stream_of_that_name_without_the_subjects_is_a_problem(world: World) -> None:
    with nats_server() as server:
        client = await nats.connect(server.url)
        await client.jetstream().add_stream(name="SOPBOT", subjects=["anomaly.>"])
        await client.close()
        text = await line(world, NATS_URL=server.url)
    assert text.startswith(
        "✗ nats NATS_STREAM: SOPBOT does not take incidents.created, enrichment.request,"
    )


async def test_a_server_that_is_away_is_a_problem(
    world: World, free_port: Callable[[], int]
) -> None:
    text = await line(world, NATS_URL=f"nats://127.0.0.1:{free_port()}")
    assert text.startswith("✗ nats NATS_URL: ")
    assert "start the server" in text


async def test_a_wrong_password_is_a_problem_and_is_not_shown(world: World) -> None:
    with nats_server("--user", "bot", "--pass", "right") as server:
        settings = {"NATS_URL": server.url, "NATS_USER": "bot"}
        text = await line(world, **settings, NATS_PASSWORD="hunter-two")
        # Its reason may be lost: the server resets a connection whose PING it has not read.
        assert text.startswith("✗ nats NATS_URL: ")
        assert "correct NATS_URL, NATS_USER" in text
        assert "hunter-two" not in text
        assert (await line(world, **settings, NATS_PASSWORD="right")).startswith("✓ nats ")


async def test_a_server_without_jetstream_is_a_problem(world: World) -> None:
    with nats_server(jetstream=False) as server:
        text = await line(world, NATS_URL=server.url)
    assert text.startswith("✗ nats NATS_URL: the server has no JetStream")


async def test_a_missing_right_is_a_problem_that_names_the_subject(world: World, tmp_path) -> None:
    config = tmp_path / "nats.conf"
    config.write_text(
        "authorization { users = [{ user: bot, password: right, permissions: {"
        ' publish: ["incidents.created"], subscribe: ["_INBOX.>"] } }] }'
    )
    with nats_server("-c", str(config)) as server:
        text = await line(world, NATS_URL=server.url, NATS_USER="bot", NATS_PASSWORD="right")
    assert "$JS.API.STREAM.LIST" in text.replace("$js.api.stream.list", "$JS.API.STREAM.LIST")
    assert text.startswith("✗ nats NATS_URL: ")


async def test_a_credentials_file_with_a_broken_key_is_a_problem(
    world: World, tmp_path: Path
) -> None:
    config = tmp_path / "nats.conf"  # a public key of nobody: the server asks for a signature
    key = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"
    config.write_text(f"authorization {{ users = [{{ nkey: {key} }}] }}")
    credentials = tmp_path / "bot.creds"
    credentials.write_text(
        "-----BEGIN NATS USER JWT-----\na.b.c\n------END NATS USER JWT------\n\n"
        "-----BEGIN USER NKEY SEED-----\nSUNOTASEED\n------END USER NKEY SEED------\n"
    )
    with nats_server("-c", str(config)) as server:
        text = await line(world, NATS_URL=server.url, NATS_CREDS_FILE=str(credentials))
    assert text.startswith("✗ nats NATS_URL: ")
    assert "NATS_CREDS_FILE" in text
    assert "SUNOTASEED" not in text
