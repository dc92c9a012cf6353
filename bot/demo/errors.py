"""Errors that end the demo."""


class DemoFailedError(Exception):
    """A step of the demo failed; the message names the expected and the actual event."""


class EndedError(Exception):
    """A signal ended the demo; all its processes have ended."""

    def __init__(self, signal: int) -> None:
        super().__init__()
        self.signal = signal
