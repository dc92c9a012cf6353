"""The small parts of which the block checks are made."""

from dataclasses import dataclass, field
from typing import Any

JSON = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """One problem that Slack would refuse: its place, its kind and a sentence."""

    pointer: str
    code: str
    message: str

    def as_json(self) -> JSON:
        """One entry of what blocks.validate answers."""
        return {"pointer": self.pointer, "code": self.code, "message": self.message}

    def as_line(self) -> str:
        """One line of `response_metadata.messages`."""
        return f"[ERROR] {self.message} [json-pointer:{self.pointer}]"


@dataclass
class Report:
    """Problems found so far."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, pointer: str, code: str, message: str) -> None:
        """Note one more problem."""
        self.problems.append(Problem(pointer, code, message))

    def string(self, at: str, name: str, value: Any, most: int, *, least: int = 1) -> bool:
        """Check a string's length; False when a problem was noted."""
        here = f"{at}/{name}"
        if value is None:
            self.add(here, "missing_field", f"missing required field: {name}")
        elif not isinstance(value, str):
            self.add(here, "invalid_type", "must be a string")
        elif len(value) > most:
            self.add(here, "failed_constraint", f"must be less than {most + 1} characters")
        elif len(value) < least:
            self.add(here, "failed_constraint", f"must be more than {least - 1} characters")
        else:
            return True
        return False


@dataclass(frozen=True)
class Text:
    """The types and lengths of a text object that Slack takes in one place."""

    most: int
    plain: bool = False


def check_text(report: Report, value: Any, at: str, allowed: Text) -> None:
    """Check a `plain_text` or `mrkdwn` object."""
    if not isinstance(value, dict):
        report.add(at, "missing_field", "must be a text object")
        return
    kinds = ("plain_text",) if allowed.plain else ("plain_text", "mrkdwn")
    if value.get("type") not in kinds:
        report.add(f"{at}/type", "invalid_enum", f"unsupported type: {value.get('type')}")
        return
    report.string(at, "text", value.get("text"), allowed.most)
