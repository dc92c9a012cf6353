"""dbt Cloud: webhooks of job runs.

https://docs.getdbt.com/docs/deploy/webhooks
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

_STATUSES = {
    "success": AlertStatus.RESOLVED,
    "errored": AlertStatus.FIRING,
    "error": AlertStatus.FIRING,
    "failed": AlertStatus.FIRING,
}


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for a webhook of a job run."""
    event, data = body.get("eventType"), body.get("data")
    return isinstance(event, str) and event.startswith("job.run.") and isinstance(data, dict)


def parse_body(body: object) -> list[Alert | Activity]:
    """Parse one run. A run that started or was cancelled is activity."""
    whole = an_object(body, "body")
    data = an_object(whole.get("data"), "data")

    def text(name: str) -> str:
        return optional_text(data.get(name), f"data.{name}")

    job, project = text("jobName") or text("jobId"), text("projectName")
    if not job:
        raise wrong("data.jobName", "the name of the job")
    # A run that errored is "completed" too, so the event's own name says less.
    stated = text("runStatus").lower() or optional_text(whole.get("eventType"), "eventType")
    status = _STATUSES.get(stated.removeprefix("job.run."))
    resolved = status is AlertStatus.RESOLVED
    time = read_time(text("runErroredAt")) or read_time(text("runFinishedAt"))
    env = guesses.env_word(text("environmentName"))
    identity = {"project": project, "job": job, "env": env}
    if status is None:
        return [activity_about("dbt", identity, ActivityKind.UPDATED, f"{job}: {stated}")]
    return [
        Draft(
            source="dbt",
            status=status,
            name=f"dbt job {job}",
            title=f"dbt job {job} {stated}",
            text=text("runStatusMessage") or f"{job}: {stated}",
            env=env,
            service=project or job,
            category="pipeline",
            labels={"job": job, "project": project, "dbt_environment": text("environmentName")},
            starts_at=None if resolved else time,
            ends_at=time if resolved else None,
            identity=identity,
            raw=whole,
        ).alert()
    ]
