"""Writes a problem of a setting as one line that says what to do."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic.fields import FieldInfo

from bot.setting_sources import closest, lower_case
from bot.validation import FieldProblem


def line_of(
    problem: FieldProblem,
    environment: Mapping[str, str],
    file: str,
    fields: Mapping[str, FieldInfo],
) -> str:
    """Return the line of a problem. `file` is the name of the `.env` file; no value is shown."""
    if not problem.location:
        return problem.reason
    name = str(problem.location[0]).upper()
    if problem.kind == "extra_forbidden":
        where = "the environment" if name.lower() in lower_case(environment) else file
        close = closest(name, tuple(field.upper() for field in fields), 0.6)
        hint = f"; did you mean {close}?" if close else ""
        return f"{name}: not a setting of sopbot (in {where}){hint}"
    reason = "missing" if problem.kind == "missing" else problem.reason
    return f"{name}: {reason}; {fields[name.lower()].description}"
