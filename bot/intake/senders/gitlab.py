"""GitLab: webhooks of pipelines and jobs. Its Slack messages need no parser.

https://docs.gitlab.com/user/project/integrations/webhook_events/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses
from bot.intake.drafting import Draft, activity_about
from bot.intake.fields import an_object, optional_text, wrong
from bot.intake.reading import Activity, ActivityKind
from bot.intake.times import read_time

_STATUSES = {"failed": AlertStatus.FIRING, "success": AlertStatus.RESOLVED}


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for a webhook of a pipeline or job."""
    return body.get("object_kind") in ("pipeline", "build")


def _web_url(project: Mapping[str, Any]) -> str:
    return optional_text(project.get("web_url"), "project.web_url")


def parse_body(body: object) -> list[Alert | Activity]:
    """Parse one webhook. A pipeline that neither failed nor succeeded is activity."""
    whole = an_object(body, "body")
    if not recognises(whole):
        raise wrong("object_kind", '"pipeline" or "build"')
    is_job = whole["object_kind"] == "build"
    project = an_object(whole.get("project") or whole.get("repository") or {}, "project")
    pipeline = an_object(whole.get("object_attributes") or {}, "object_attributes")
    environment = an_object(whole.get("environment") or {}, "environment")

    def text(name: str) -> str:
        value = whole.get(f"build_{name}", whole.get(name)) if is_job else pipeline.get(name)
        return optional_text(value, name)

    path = optional_text(project.get("path_with_namespace"), "project.path_with_namespace")
    path = path or optional_text(whole.get("project_name"), "project_name").replace(" ", "")
    name = text("name") if is_job else "pipeline"
    reference, status = text("ref"), text("status").lower()
    resolved = status == "success"
    ended = read_time(text("finished_at"))
    job = f"{name} of {path}"
    identity = {"project": path, "job": name, "ref": reference}
    if status not in _STATUSES:
        return [activity_about("gitlab", identity, ActivityKind.UPDATED, f"{job}: {status}")]
    return [
        Draft(
            source="gitlab",
            status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
            name=job,
            title=f"{job} {status} on {reference}" if status == "failed" else job,
            text=text("failure_reason") or f"{job}: {status}",
            env=guesses.env_word(optional_text(environment.get("name"), "environment.name")),
            service=path.rpartition("/")[2],
            category="pipeline",
            severity="low" if whole.get("build_allow_failure") is True else "",
            labels=identity,
            starts_at=None if resolved else ended or read_time(text("created_at")),
            ends_at=ended if resolved else None,
            links=[("Pipeline", text("url")), ("Project", _web_url(project))],
            identity=identity,
            raw=whole,
        ).alert()
    ]
