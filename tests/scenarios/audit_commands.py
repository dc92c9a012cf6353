"""The commands of an auditor: verify the trail, export an incident, verify the export."""

from __future__ import annotations

from tests.helpers.bot_processes import run_bot
from tests.scenarios.world import AUDIT_KEY, World


async def verify(world: World, *more: str, **settings: str) -> tuple[int, str]:
    """The exit code and the output of `audit verify`."""
    code, out, err = await run_bot(
        "audit", "verify", *more, settings=world.settings(**settings), folder=world.folder
    )
    assert AUDIT_KEY not in out + err
    return code, out + err


async def export_and_verify(world: World) -> tuple[int, str]:
    """Export INC-1; returns the exit code and output of `audit verify --bundle`."""
    file = world.folder / "bundle.json"
    code, out, err = await run_bot(
        "export", "INC-1", "--out", str(file), settings=world.settings(), folder=world.folder
    )
    assert code == 0, out + err
    return await verify(world, "--bundle", str(file))
