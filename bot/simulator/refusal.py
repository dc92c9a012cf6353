"""The error with which the local Slack refuses a request."""

from typing import Any


class Refusal(Exception):
    """Slack's answer `{"ok": false, "error": name}`; `details` are merged into it."""

    def __init__(self, name: str, **details: Any) -> None:
        super().__init__(name)
        if details:
            self.add_note(str(details))
        self.name = name
        self.details = details

    def answer(self) -> dict[str, Any]:
        """The JSON body that a caller of the Web API sees."""
        return {"ok": False, "error": self.name, **self.details}
