import re
import signal

import aiohttp
import pytest


async def test_the_whole_job_is_played_in_order_and_nothing_is_left_behind(demo):
    played = await demo()

    assert await played.ended() == 0, played.output
    texts = [
        "checkout-api is unhealthy: /healthz answers 503",
        "card: 🔴 CRITICAL",
        "thread: 💡 Advice",
        "thread: 🔐 Restart checkout-api · `INC-1`",
        "ana presses Acknowledge",
        "chloe presses Approve and is refused",
        "ben presses Approve: it counts",
        "gateway restarted checkout-api",
        "Alertmanager posts [RESOLVED]",
        "thread: Verified",
        "card: ✅ RESOLVED",
        "seconds after the first failed health check",
        "1 thread, 1 restart, 1 approval",
    ]
    places = [played.output.find(text) for text in texts]
    assert -1 not in places, texts[places.index(-1)] + " in:\n" + played.output
    assert places == sorted(places)
    assert played.left_over() == []
    assert list(played.folder.iterdir()) == []

    pids = re.search(r"pid (\d+) → (\d+)", played.output)
    assert pids
    assert pids[1] != pids[2]
    assert {int(pids[1]), int(pids[2])} <= {process.pid for process in played.family}
    assert max(map(len, played.lines)) <= 100
    assert "\x1b" not in played.output


@pytest.mark.unmeasured
async def test_an_approver_whom_the_policy_does_not_name_fails_the_demo_with_the_reason(demo):
    played = await demo("--approver", "chloe")

    assert await played.ended() == 1
    assert "The demo failed: chloe pressed Approve and was refused" in played.lines[-2]
    assert "[Approve] [Reject]" in played.output
    assert "The end of the bot's log" in played.output
    assert "The end of the gateway's log" in played.output
    assert played.left_over() == []
    assert list(played.folder.iterdir()) == []


@pytest.fixture
def heeded():
    """Signals as a terminal leaves them: a child of nohup or of `&` would inherit none."""
    before = {
        number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGHUP, signal.SIGINT)
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.chaos)]
)
@pytest.mark.usefixtures("heeded")
async def test_a_signal_ends_everything_the_demo_started(demo, number):
    played = await demo()
    await played.until("bot at http")

    played.process.send_signal(number)
    played.process.send_signal(number)

    assert await played.ended() == 128 + number
    assert len(played.family) >= 3
    assert played.left_over() == []
    assert list(played.folder.iterdir()) == []


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("argv", "name"),
    [
        pytest.param(("-m", "bot.gateway"), "gateway", marks=pytest.mark.chaos),
        (("-m", "bot"), "bot"),
    ],
)
async def test_a_part_that_dies_fails_the_demo_and_takes_nothing_with_it(demo, argv, name):
    played = await demo()
    await played.until("bot at http")
    processes = [process for process in played.family if tuple(process.cmdline()[1:3]) == argv]
    assert len(processes) == 1

    processes[0].kill()

    assert await played.ended() == 1
    assert f"The demo failed: the {name} ended by itself" in played.output
    assert played.left_over() == []


@pytest.mark.unmeasured
@pytest.mark.usefixtures("heeded")
async def test_a_demo_left_running_shows_its_page_and_ctrl_c_ends_it_well(demo):
    played = await demo("--keep")
    line = await played.until("Open http")
    await played.until("Alertmanager posts FIRING")

    page = re.search(r"http\S+/", line)
    assert page
    async with aiohttp.ClientSession() as session, session.get(page[0]) as answer:
        assert answer.status == 200
        assert "checkout-api" in await answer.text()
    played.process.send_signal(signal.SIGINT)

    assert await played.ended() == 0
    assert "Traceback" not in played.output
    assert played.left_over() == []
