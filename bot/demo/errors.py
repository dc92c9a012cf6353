"""How the demo ends when it does not end well."""


class DemoFailedError(Exception):
    """A step of the demo failed; the message says what was awaited or what was found instead."""


class EndedError(Exception):
    """A signal ended the demo; everything it started is gone."""

    def __init__(self, signal: int) -> None:
        super().__init__()
        self.signal = signal
