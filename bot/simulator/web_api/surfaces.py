"""views.*, blocks.validate, apps.connections.open, api.test."""

from typing import Any

from .. import blocks, content
from ..core import Core
from ..limits import Problem
from ..refusal import Refusal

JSON = dict[str, Any]


def views_open(core: Core, args: JSON) -> JSON:
    """views.open."""
    return {"view": core.views.open(args)}


def views_push(core: Core, args: JSON) -> JSON:
    """views.push."""
    return {"view": core.views.push(args)}


def views_update(core: Core, args: JSON) -> JSON:
    """views.update."""
    return {"view": core.views.update(args)}


def views_publish(core: Core, args: JSON) -> JSON:
    """views.publish."""
    return {"view": core.views.publish(args)}


def validate(_core: Core, args: JSON) -> JSON:
    """blocks.validate: exactly one of blocks, message, view."""
    fields = {n: args[n] for n in ("blocks", "message", "view") if args.get(n)}
    if len(fields) != 1:
        raise Refusal("invalid_arguments")
    ((kind, raw),) = fields.items()
    value = content.decoded(raw, "invalid_arguments")
    problems: list[Problem]
    if kind == "blocks":
        problems = blocks.problems(value, pointer="")
    elif not isinstance(value, dict):
        raise Refusal("invalid_arguments")
    elif kind == "message":
        problems = blocks.problems(value.get("blocks") or [])
    else:
        surface = "home" if value.get("type") == "home" else "modal"
        problems = blocks.problems(value.get("blocks"), surface=surface)
    if problems:
        raise Refusal(f"invalid_{kind}", errors=[problem.as_json() for problem in problems])
    return {}


def connections_open(core: Core, _args: JSON) -> JSON:
    """apps.connections.open: the one-time address of a Socket Mode link."""
    return {"url": core.ws_url(core.links.ticket())}


def api_test(_core: Core, args: JSON) -> JSON:
    """api.test: gives back what it was given, or the error it was asked for."""
    if args.get("error"):
        raise Refusal(str(args["error"]), args=args)
    return {"args": args}


METHODS = {
    "views.open": views_open,
    "views.push": views_push,
    "views.update": views_update,
    "views.publish": views_publish,
    "blocks.validate": validate,
    "apps.connections.open": connections_open,
    "api.test": api_test,
}
