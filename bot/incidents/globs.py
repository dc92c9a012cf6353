"""Globs that an operator writes, as patterns that read any word in linear time."""

from __future__ import annotations

import re


def glob_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a glob; `*` stands for any run.

    Every part is bound to its first match: trying all positions would take seconds for a handful of
    stars over a long word.
    """
    first, *rest = map(re.escape, pattern.split("*"))
    if not rest:
        return re.compile(first, re.DOTALL)
    middle = "".join(f"(?>.*?{part})" for part in rest[:-1] if part)
    return re.compile(f"{first}{middle}.*{rest[-1]}", re.DOTALL)
