"""The Web API: one function a method, all without I/O."""

from collections.abc import Callable
from typing import Any

from ..core import Core
from . import chat, conversations, files, people, surfaces

JSON = dict[str, Any]

METHODS: dict[str, Callable[[Core, JSON], JSON]] = {
    **chat.METHODS,
    **conversations.METHODS,
    **files.METHODS,
    **people.METHODS,
    **surfaces.METHODS,
}
