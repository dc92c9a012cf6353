"""GitHub: webhooks of workflow runs and checks, and the runs that its Slack app posts.

https://docs.github.com/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import states
from bot.intake.cleaning import json_text
from bot.intake.drafting import Draft, activity_about, still
from bot.intake.fields import an_object, optional_text, wrong
from bot.intake.headline import read_headline
from bot.intake.reading import Activity, ActivityKind
from bot.intake.slack_message import SlackMessage
from bot.intake.slack_text import bare
from bot.intake.times import read_time

_EVENTS = ("workflow_run", "workflow_job", "check_run", "check_suite")
_FAILED = frozenset(("failure", "timed_out", "startup_failure", "action_required"))
_RUN = re.compile(r"https?://[^/\s]+/(?P<repository>[\w.-]+/[\w.-]+)/(?:actions/runs|runs|commit)/")


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for a webhook of a run or a check."""
    return isinstance(body.get("repository"), dict) and any(name in body for name in _EVENTS)


def parse_body(body: object) -> list[Alert | Activity]:
    """Parse one webhook. A run without a result yet, or cancelled, is activity."""
    whole = an_object(body, "body")
    event = next((name for name in _EVENTS if isinstance(whole.get(name), dict)), "")
    if not event:
        raise wrong("workflow_run", "there, or a check, as GitHub sends them")
    run = an_object(whole[event], event)
    repository = an_object(whole.get("repository") or {}, "repository")

    def text(name: str) -> str:
        return optional_text(run.get(name), f"{event}.{name}")

    app = an_object(run.get("app") or {}, f"{event}.app")
    name = text("name") or optional_text(app.get("name"), f"{event}.app.name") or "Checks"
    full_name = optional_text(repository.get("full_name"), "repository.full_name")
    branch, conclusion = text("head_branch"), text("conclusion").lower()
    ended = read_time(run.get("updated_at"))
    resolved = conclusion == "success"
    if not resolved and conclusion not in _FAILED:
        report = f"{name} of {full_name}: {conclusion or text('status') or json_text(run)[:200]}"
        identity = _identity(full_name, name, branch)
        return [activity_about("github", identity, ActivityKind.UPDATED, report)]
    alert = _run(
        full_name,
        name,
        branch,
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        text=text("display_title") or f"{name}: {conclusion}",
        starts_at=None if resolved else read_time(run.get("run_started_at")) or ended,
        ends_at=ended if resolved else None,
        links=[("Run", text("html_url"))],
        raw=whole,
    )
    return [alert]


def parse_message(message: SlackMessage) -> Alert | None:
    """Parse a run that GitHub's Slack app posted, else return None."""
    if "github" not in message.sender.lower():
        return None
    runs = (_RUN.match(url) for _, url in message.links)
    run = next(filter(None, runs), None)
    status = states.state_of(message.fields.get("status", "")) or message.colour
    title = next((item.title for item in message.attachments if item.title), "")
    if run is None or status is None or not title:
        return None
    return _run(
        run["repository"],
        still(read_headline(bare(title)).subject).replace("#", "").strip() or bare(title),
        message.fields.get("branch", ""),
        status=status,
        text=message.text,
        links=message.links,
        raw=message.raw,
    )


def _run(repository: str, name: str, branch: str, **more: Any) -> Alert:
    labels = {"repository": repository, "workflow": name, "branch": branch}
    return Draft(
        source="github",
        name=f"{name} of {repository}",
        title=f"{name} failed on {branch} of {repository}" if branch else f"{name} of {repository}",
        service=repository.rpartition("/")[2],
        category="pipeline",
        labels={label: text for label, text in labels.items() if text},
        identity=_identity(repository, name, branch),
        **more,
    ).alert()


def _identity(repository: str, name: str, branch: str) -> dict[str, str]:
    return {"repository": repository, "name": name.lower(), "branch": branch}
