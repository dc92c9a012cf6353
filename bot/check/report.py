"""Prints one line per check; a problem with its cause and remedy."""

from __future__ import annotations


class Report:
    """Prints each result at once.

    Each problem counts once; a note reports a working but surprising state.
    """

    def __init__(self) -> None:
        self.problems = 0

    def good(self, name: str, text: str) -> None:
        """Print a passed check."""
        self._line("✓", name, text)

    def problem(self, name: str, cause: str, remedy: str = "") -> None:
        """Print a problem: its cause and its remedy."""
        self.problems += 1
        self._line("✗", name, f"{cause.rstrip('.')}; {remedy}" if remedy else cause)

    def note(self, name: str, text: str) -> None:
        """Print a note, which is not a problem."""
        self._line("!", name, text)

    def skipped(self, name: str, why: str) -> None:
        """Print that a check is skipped because of a problem that is already counted."""
        self._line("·", name, f"not checked: {why}")

    def end(self) -> int:
        """Print the last line; return the exit code."""
        if not self.problems:
            print("\n✓ Ready to run.")
            return 0
        print(f"\n✗ {self.problems} problem{'s' if self.problems > 1 else ''}")
        return 1

    def _line(self, mark: str, name: str, text: str) -> None:
        print(f"{mark} {name:<10} {' '.join(text.split())}")
