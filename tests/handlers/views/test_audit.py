"""The daily message about the audit trail: a head to compare with, or the fault."""

from __future__ import annotations

import json

from handlers.views.audit import head

MAC = "3f" * 32


def test_the_head_of_a_day_can_be_copied_into_the_command_that_checks_it() -> None:
    text, blocks = head("2026-11-25", 1204, MAC, "")
    assert text == "🔏 Audit trail, 2026-11-25: proved up to row 1,204"
    shown_blocks = json.dumps(blocks, ensure_ascii=False)
    assert f"head `{MAC}`" in shown_blocks
    assert f"`python -m bot audit verify --head {MAC}`" in shown_blocks


def test_a_fault_of_the_trail_comes_first_and_its_text_is_never_obeyed() -> None:
    text, blocks = head("2026-11-25", 1204, MAC, "the anchor '<!channel>' was edited")
    assert text.startswith("🔴 Audit trail, 2026-11-25: the anchor '&lt;!channel&gt;' was edited")
    shown_blocks = json.dumps(blocks, ensure_ascii=False)
    assert "<!channel>" not in shown_blocks
    assert "Keep a backup as it is now" in shown_blocks
    assert MAC in shown_blocks
