"""`python -m tests.state_diagram` draws the life of a remediation into docs/actions.md."""

from __future__ import annotations

from pathlib import Path

from bot.approvals.transitions import APPROVAL_TRANSITIONS, EXECUTION_TRANSITIONS, Transitions

PAGE = Path(__file__).parent.parent / "docs" / "actions.md"
BEGIN, END = "<!-- states: python -m tests.state_diagram -->", "<!-- end of states -->"


def diagram(transitions: Transitions) -> str:
    """A mermaid state diagram: one arrow for each two states, with its events."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (before, event), after in transitions.items():
        start = _name(before) if before else "[*]"
        arrows.setdefault((start, _name(after)), []).append(event.value)
    lines = [f"    {start} --> {end}: {' / '.join(what)}" for (start, end), what in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def _name(state: str) -> str:
    """A state as mermaid takes it: one word."""
    return state.replace(" ", "_")


def drawn() -> str:
    """The part of the page between the two marks."""
    return (
        f"{BEGIN}\nAn approval:\n\n{diagram(APPROVAL_TRANSITIONS)}\n\n"
        f"Its execution:\n\n{diagram(EXECUTION_TRANSITIONS)}\n{END}"
    )


def between_marks(page: str) -> str:
    """The part of the page that is drawn."""
    return page[page.index(BEGIN) : page.index(END) + len(END)]


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(text.replace(between_marks(text), drawn()), encoding="utf-8")
