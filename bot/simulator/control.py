"""The control page: the faults of the local Slack, now and planned, and their effects."""

from typing import Any

from aiohttp import web
from jinja2 import Environment

from .chaos import ROUGH, Chaos
from .core import Core
from .events import app_rate_limited
from .page_answers import HEADERS, own_words
from .rates import RateLimits
from .script import ERRORS, KINDS, Plan
from .web_api import METHODS

JSON = dict[str, Any]

REASONS = ("warning", "refresh_requested", "link_disabled")
SHOWN = 30  # faults and 429s in the list of what happened


class Control:
    """Handlers for aiohttp, over one core."""

    def __init__(self, core: Core, templates: Environment) -> None:
        self._core = core
        self._templates = templates

    def add_to(self, app: web.Application) -> None:
        """Put the control page's addresses on the server."""
        app.router.add_get("/control", self.show)
        app.router.add_get("/control/state", self.state)
        app.router.add_post("/control/{what}", self.do)

    async def show(self, _request: web.Request) -> web.Response:
        """The whole page."""
        return self._html("control.html")

    async def state(self, _request: web.Request) -> web.Response:
        """The part of the page that changes while somebody reads it."""
        return self._html("control_state.html")

    async def do(self, request: web.Request) -> web.Response:
        """One thing that shall go wrong, or right again."""
        return await own_words(request, self._do)

    async def _do(self, what: str, item: JSON) -> None:
        if what in ("disconnect", "drop", "half_open"):
            self._to_links(what, item)
        else:
            self._to_calls(what, item)
        self._core.workspace.touch()

    def _to_links(self, what: str, item: JSON) -> None:
        links = self._core.links
        number = int(item["link"]) if item.get("link") else None
        if what == "drop":
            links.drop(number=number)
        elif what == "half_open":
            links.half_open(number=number)
        elif (reason := str(item["reason"])) in REASONS:
            links.disconnect(reason, number=number)
        else:
            raise ValueError(f"the reason must be one of {', '.join(REASONS)}")

    def _to_calls(self, what: str, item: JSON) -> None:
        core = self._core
        match what:
            case "plan":
                core.script.plan(_plan(item))
            case "cancel":
                for plan in [p for p in core.script.plans if p.number == int(item["plan"])]:
                    core.script.cancel(plan)
            case "clear":
                core.script.clear()
            case "storm":
                core.unleash(Chaos(int(item["seed"]), **ROUGH))
            case "calm":
                core.unleash(None)
            case "limit":
                core.limits = RateLimits(burst=int(item["burst"]))
            case "unlimit":
                core.limits = None
            case "app_rate_limited":
                result = app_rate_limited(core.clock.now(), core.workspace.app)
                core.links.deliver("events_api", result, accepts_response_payload=False)
            case _:
                raise ValueError(f"there is no {what}")

    def _html(self, template: str) -> web.Response:
        core = self._core
        happened = [(s.at, s.what, s.about) for s in core.struck[-SHOWN:]]
        happened += [
            (item.at, f"429, Retry-After {item.retry_after}", f"{item.method} {item.channel}")
            for item in core.limited[-SHOWN:]
        ]
        html = self._templates.get_template(template).render(
            links=core.links.links,
            unacknowledged=core.links.unacknowledged(),
            given_up=len(core.links.undelivered),
            reasons=REASONS,
            kinds=KINDS,
            errors=ERRORS,
            methods=sorted(METHODS),
            channels=[c for c in core.workspace.channels.values() if c.name],
            plans=core.script.plans,
            chaos=core.chaos,
            limited=core.limits is not None,
            posts=len(core.posts),
            happened=sorted(happened, reverse=True)[:SHOWN],
        )
        body = html.encode("utf-8", "replace")
        return web.Response(body=body, content_type="text/html", charset="utf-8", headers=HEADERS)


def _plan(item: JSON) -> Plan:
    times = str(item.get("times") or "")
    return Plan(
        str(item["kind"]),
        str(item.get("on") or "*"),
        str(item.get("value") or ""),
        str(item.get("channel") or ""),
        int(times) if times else None,
    )
