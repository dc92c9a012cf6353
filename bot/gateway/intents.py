"""Maps free text of the older wire shape to an action that the target offers, by fixed rules.

A rule must match the whole sentence: words around a known phrase could reverse its meaning. A
sentence that could mean several actions means none of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.gateway import intent_rules
from bot.gateway.actions import Action
from bot.gateway.errors import Ambiguous, Invalid

EXAMPLES: Mapping[str, str] = {
    "service.restart": "restart the service",
    "service.stop": "stop the service",
    "service.start": "start the service",
    "service.status": "check container status",
    "service.logs": "show recent logs",
    "service.stats": "show memory and CPU usage",
    "service.scale": "scale the service to 3 replicas",
    "service.rollout": "do a rolling restart",
    "service.rollback": "roll back the service",
    "docker.update_resources": "set the memory limit to 512 MB",
    "spark.kill_applications": "kill the application app-20260101120000-0001",
    "spark.kill_drivers": "kill the driver driver-20260101120000-0001",
    "spark.resubmit": "resubmit the job nightly",
    "yarn.kill_applications": "kill the application application_1700000000000_0001",
    "airflow.trigger": "trigger the DAG",
    "airflow.clear_run": "clear the failed tasks",
    "airflow.clear_task": "clear the failed task load",
    "airflow.pause": "pause the DAG",
    "airflow.unpause": "unpause the DAG",
    "airflow.runs": "show the last runs",
}
_LINES = re.compile(r"Requesting (?P<lines>[0-9]{1,3}) lines\b")
_POLITE = re.compile(
    r"(?:(?:please|kindly|can you|could you|would you|now|just) )*(?P<rest>.*?)"
    r"(?:,? (?:please|now|immediately|asap|right away|for me))*"
)
_MIB = {"m": 1, "mb": 1, "mib": 1, "g": 1024, "gb": 1024, "gib": 1024}
_STOP_BY_SCALE = "stop the service - scaling to 0 replicas"


def read_intent(
    intent: str, context: str, target: str, offered: Sequence[Action] | None = None
) -> tuple[str, dict[str, Any]]:
    """Return (action id, parameters). Ambiguous lists the candidates, Invalid what is understood.

    The target's own name may stand for "the service". `offered` are the target's actions: one whose
    title is the sentence is meant too. Only a number of log lines is read from the context.
    """
    sentence = _plain(intent, target)
    ids = [action.id for action in offered] if offered is not None else list(EXAMPLES)
    if sentence == _STOP_BY_SCALE:
        scales = offered is not None and "service.scale" in ids
        return ("service.scale", {"replicas": 0}) if scales else ("service.stop", {})
    matches = {
        action: parameters
        for action, pattern in intent_rules.RULES
        if (match := pattern.fullmatch(sentence))
        and (parameters := _values(action, match.groupdict())) is not None
    }
    matches |= {
        action.id: {}
        for action in offered or ()
        if sentence and sentence in (action.id, action.title.lower())
    }
    if len(matches) == 1:
        action_id, parameters = matches.popitem()
        if action_id == "service.logs" and not parameters:
            lines = _LINES.match(context)
            parameters = {"lines": int(lines["lines"])} if lines else {}
        return action_id, parameters
    raise _refusal(sentence, list(matches), ids)


def _plain(intent: str, target: str) -> str:
    """Return the sentence in lower case, without courtesy, the target's name as "the service"."""
    sentence = " ".join(intent.split()).rstrip(".!?").strip()
    named = rf"(?<!\S)(?:(?:the )?(?:service|container) )?{re.escape(target)}(?!\S)"
    sentence = re.sub(named, "the service", sentence).lower()
    match = _POLITE.fullmatch(sentence)
    return match["rest"] if match else sentence


def _values(action: str, groups: Mapping[str, str | None]) -> dict[str, Any] | None:
    """Return the parameters that a rule read; None if a limit is no whole number of its unit."""
    if action == "docker.update_resources":
        return _limits(groups)
    return {
        name: value if name in intent_rules.TEXTS else int(value)
        for name, value in groups.items()
        if value is not None
    }


def _limits(groups: Mapping[str, str | None]) -> dict[str, Any] | None:
    if memory := groups.get("memory"):
        size = float(memory) * _MIB[str(groups["memory_unit"])]
        return {"memory_mb": int(size)} if size == int(size) else None
    percent = float(groups.get("cpu") or 0)
    if not str(groups["cpu_unit"]).startswith(("%", "percent")):
        percent = round(percent * 100, 2)  # 1.5 processors are 150 %
    return {"cpu_percent": int(percent)} if percent == int(percent) else None


def _refusal(sentence: str, matches: Sequence[str], ids: Sequence[str]) -> Invalid:
    terms = set(re.findall(r"[a-z]+", sentence))
    meant = list(matches) or [
        action for action, named in intent_rules.WORDS.items() if terms & named and action in ids
    ]
    unsaid = [action for action in meant if action in intent_rules.NEED_A_VALUE]
    if len(meant) > 1 or unsaid:
        candidates = ", ".join(f'{action} ("{EXAMPLES.get(action, action)}")' for action in meant)
        return Ambiguous(f"This intent could mean several actions, or lacks a value: {candidates}.")
    known = ", ".join(f'"{EXAMPLES[action]}"' for action in ids if action in EXAMPLES)
    return Invalid(
        "UNSUPPORTED_INTENT",
        f"No fixed rule matches this intent. Understood are: {known or 'none for this target'}. "
        "Or send action_request.action with an id from GET /actions.",
    )
