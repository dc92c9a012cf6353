"""Cases of the field: what monitoring tools really send, and the right reading of each.

`cases/NN_sender_topic.json` holds the payloads in the order in which they come, and
`….expect.json` what each must become and the incidents at the end. A case compares only the fields
that it names.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.sources_command.commands import fields_of, outcome_of, parse_payloads, read

FOLDER = Path(__file__).parent / "cases"
CASES = sorted(path for path in FOLDER.glob("*.json") if not path.name.endswith(".expect.json"))


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def fits(expected: Any, actual: Any) -> bool:
    if not isinstance(expected, dict):
        return bool(expected == actual)
    if "any_of" in expected:
        return any(fits(choice, actual) for choice in expected["any_of"])
    if "not" in expected:
        return not fits(expected["not"], actual)
    if "contains" in expected:
        return expected["contains"] in (actual or "")
    return isinstance(actual, dict) and all(
        fits(value, actual.get(name)) for name, value in expected.items()
    )


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
async def test_a_case_of_the_field_is_read_as_its_sender_means_it(path: Path) -> None:
    payloads, expected = parse_payloads(load(path)), load(path.with_suffix(".expect.json"))
    readings = [read(payloads, payload) for payload in payloads.inputs]
    for number, (alerts, reading) in enumerate(zip(expected["alerts"], readings, strict=True)):
        if isinstance(alerts, dict):  # anything that opens no incident, which the story shows
            continue
        actual = [fields_of(alert) for alert in reading.alerts]
        assert len(actual) == len(alerts), f"input {number}"
        for expected_fields, fields in zip(alerts, actual, strict=True):
            wrong = {
                name: (fields.get(name), value)
                for name, value in expected_fields.items()
                if not fits(value, fields.get(name))
            }
            assert not wrong, f"input {number}: {wrong}"
    outcome = await outcome_of(payloads, readings)
    for name, value in expected["story"].items():
        assert getattr(outcome, name) == value, name
