"""Prints one line a check; a problem with its cause and remedy."""

from __future__ import annotations


class Report:
    """Prints as it goes. A problem is counted once; a note says what works and may surprise."""

    def __init__(self) -> None:
        self.problems = 0

    def good(self, name: str, text: str) -> None:
        """All is well."""
        self._line("✓", name, text)

    def problem(self, name: str, cause: str, remedy: str = "") -> None:
        """Something to fix: what is wrong, and what to do."""
        self.problems += 1
        self._line("✗", name, f"{cause.rstrip('.')}; {remedy}" if remedy else cause)

    def note(self, name: str, text: str) -> None:
        """Not a problem, but worth knowing."""
        self._line("!", name, text)

    def skipped(self, name: str, why: str) -> None:
        """Skipped because of a problem that is counted already."""
        self._line("·", name, f"not checked: {why}")

    def end(self) -> int:
        """The last line; the exit code."""
        if not self.problems:
            print("\n✓ Ready to run.")
            return 0
        print(f"\n✗ {self.problems} problem{'s' if self.problems > 1 else ''}")
        return 1

    def _line(self, mark: str, name: str, text: str) -> None:
        print(f"{mark} {name:<10} {' '.join(text.split())}")
