"""A move that nobody watches."""

from __future__ import annotations


class Unseen:
    """A Progress that shows nothing."""

    def begin(self, stage: str, total: int, unit: str) -> None:
        """See Progress."""

    def advance(self, by: int) -> None:
        """See Progress."""

    def decide(self) -> None:
        """See Progress."""
