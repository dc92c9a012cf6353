"""Airflow callbacks: JSON with `dag_id`, `task_id`, `state`, and the usual Slack text of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses, states
from bot.intake.drafting import Draft
from bot.intake.fields import an_object, at, objects, optional_text, optional_time, wrong
from bot.intake.headline import read_headline
from bot.intake.lines import read_lines
from bot.intake.slack_message import SlackMessage

# Severity of a failed task by its environment, if the sender does not state it.
_SEVERITY = {"prod": "critical", "staging": "medium", "test": "medium"}


def parse_message(message: SlackMessage) -> Alert | None:
    """Parse `Task Failed.` with the lines Dag and Task, else return None."""
    named = {**read_lines(message.text).labels, **message.fields}
    facts = {name.replace("_id", ""): text for name, text in named.items()}
    dag, task = facts.get("dag", ""), facts.get("task", "")
    if not dag or not message.headlines:
        return None
    lines = message.headlines[0].split("\n")
    headlines = [read_headline(line) for line in lines[:3]]
    states_said = (headline.state or headline.emoji for headline in headlines)
    status = next(filter(None, states_said), None) or message.colour or AlertStatus.FIRING
    env = guesses.env_of(named)[0]
    resolved = status is AlertStatus.RESOLVED
    return Draft(
        source="airflow",
        status=status,
        name=f"{dag}.{task}" if task else dag,
        title=f"{dag}.{task}" if task else dag,
        text=message.text,
        env=env,
        service=dag,
        category="pipeline",
        severity="" if resolved else guesses.severity_in(named) or _SEVERITY.get(env, "high"),
        labels={"dag_id": dag, "task_id": task, **({"env": env} if env else {})},
        links=message.links,
        identity={"dag": dag, "task": task, "env": env},
        read_from={"status": "title"},
        raw=message.raw,
    ).alert()


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for a task's failure callback."""
    return "dag_id" in body


def parse_body(body: object) -> list[Alert]:
    """Parse one failed (or recovered) task, or a list of them."""
    return [_task(item, where) for where, item in objects(body)]


def _task(item: Mapping[str, Any], where: str) -> Alert:
    def text(name: str) -> str:
        return optional_text(item.get(name), at(where, name))

    dag, task = text("dag_id"), text("task_id")
    if not dag:
        raise wrong(at(where, "dag_id"), "the id of the DAG")
    context = an_object(item.get("context") or {}, at(where, "context"))
    env = guesses.env_word(
        optional_text(context.get("environment"), at(where, "context.environment"))
    )
    date, state = text("execution_date"), text("state")
    labels = {
        "dag_id": dag,
        "task_id": task,
        "env": env,
        "cluster": optional_text(context.get("cluster"), at(where, "context.cluster")),
        "state": state,
        "external_id": "_".join(part for part in (dag, task, date) if part),
    }
    return Draft(
        source="airflow",
        status=states.status_of(state or "failed"),
        name=f"{dag}.{task}" if task else dag,
        title=f"{dag}.{task} {state or 'failed'}" if task else f"{dag} {state or 'failed'}",
        text=text("error_message"),
        env=env,
        service=dag,
        category="pipeline",
        severity=text("severity") or _SEVERITY.get(env, "high"),
        labels=labels,
        annotations={"execution_date": date},
        starts_at=optional_time(item.get("start_date"), at(where, "start_date")),
        links=[("Task log", text("log_url"))],
        # Without the external id: it holds the date, and the next run's failure is the same
        # incident.
        identity={"dag": dag, "task": task, "env": env},
        raw=item,
    ).alert()
