"""The rules of `intents`: each pattern is a whole sentence in lower case.

Every alternative is bounded and no two of them begin alike without an end, so that a long hostile
sentence costs no more than its length.
"""

from __future__ import annotations

import re

_THING = r"(?:(?:the|this|our) )?(?:service|container|app|application|process)"
_IT = rf"(?: (?:{_THING}|it))?"
_OF_IT = rf"(?: (?:of|for|from) {_THING})?"
_SHOW = r"(?:check|show|get|fetch|print|display|report|view|see|read|tail)(?: me)?(?: the| its)?"
_REPLICAS = r"(?:replicas?|instances?|copies)"
_SET = r"(?:set|change|raise|increase|lower|reduce|limit|update|bump)(?: the| its)?"
_KILL = r"(?:kill|end|stop|terminate)(?: the)?(?: hung| stuck)?"
_USAGE = (
    r"(?:(?:current )?(?:memory and cpu|cpu and memory|resources?|memory|cpu|ram)"
    r"(?: (?:usage|consumption|use|load|stats))?)"
)
# The target's own name stands for "the service" of every kind.
_DAG = r"(?:(?:the|this|our) )?(?:dag|pipeline|workflow|service)"
_OF_DAG = rf"(?: (?:of|for|in) {_DAG})?"
_AGAIN = r"(?:clear|retry|rerun|re-run)(?: the| all| its){0,2}"

RULES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (action, re.compile(pattern))
    for action, pattern in (
        (
            "service.restart",
            rf"(?:gracefully |cleanly )?(?:restart|reboot|bounce|recycle){_IT}(?: gracefully)?",
        ),
        (
            "service.restart",
            rf"(?:do|perform|trigger) an? (?:graceful |clean )?(?:restart|reboot){_OF_IT}",
        ),
        ("service.restart", rf"stop and (?:then )?start{_IT}(?: again)?"),
        ("service.restart", rf"turn{_IT} off and on(?: again)?"),
        ("service.stop", rf"(?:gracefully )?(?:stop|halt|shut ?down|turn off|take down){_IT}"),
        ("service.stop", rf"(?:shut|take|bring){_IT} down"),
        ("service.stop", rf"turn{_IT} off"),
        ("service.start", rf"(?:start|start up|bring up|boot|launch|turn on){_IT}(?: again)?"),
        ("service.start", rf"bring{_IT} (?:back )?up(?: again)?"),
        ("service.start", rf"turn{_IT} (?:back )?on"),
        ("service.stats", rf"{_SHOW} {_USAGE}{_OF_IT}"),
        (
            "service.stats",
            (
                r"how much (?:memory|cpu|ram|memory and cpu|cpu and memory)"
                rf" (?:does (?:{_THING}|it) use|is (?:{_THING}|it) using)"
            ),
        ),
        (
            "service.status",
            (
                rf"{_SHOW}(?: container| service)? (?:status|health|state)"
                rf"(?: and (?:status|health))?{_OF_IT}"
            ),
        ),
        (
            "service.status",
            rf"(?:check (?:if|whether) )?(?:{_THING}|it) is (?:healthy|running|up|alive|ok)",
        ),
        ("service.status", rf"is (?:{_THING}|it) (?:healthy|running|up|alive|ok|down)"),
        ("service.status", rf"(?:(?:do|run|perform) an? )?health ?check{_OF_IT}"),
        ("service.status", rf"what is (?:the|its) (?:status|health|state){_OF_IT}"),
        ("service.status", rf"how is (?:{_THING}|it)(?: doing)?"),
        (
            "service.logs",
            (
                rf"{_SHOW}(?: recent| latest| last| newest)?(?: error)? logs?(?: lines| output)?"
                rf"{_OF_IT}"
            ),
        ),
        (
            "service.logs",
            (
                rf"{_SHOW}(?: last| latest| newest) (?P<lines>\d{{1,3}}) (?:error )?"
                rf"(?:logs?|lines?|log lines?)(?: of(?: the)? logs?)?{_OF_IT}"
            ),
        ),
        (
            "service.scale",
            (
                rf"(?:scale|resize){_IT}(?: up| down| out| in)? to (?P<replicas>\d{{1,4}})"
                rf"(?: {_REPLICAS})?"
            ),
        ),
        ("service.scale", rf"(?:run|set|use) (?P<replicas>\d{{1,4}}) {_REPLICAS}{_OF_IT}"),
        (
            "service.scale",
            rf"set(?: the)?(?: number of)? {_REPLICAS}{_OF_IT} to (?P<replicas>\d{{1,4}})",
        ),
        (
            "service.rollout",
            rf"(?:(?:do|perform|start|trigger) a )?(?:rolling restart|rollout){_OF_IT}",
        ),
        ("service.rollout", r"replace (?:the|its|all) replicas(?: one (?:by one|after another))?"),
        ("service.rollback", rf"roll ?back{_IT}(?: to the previous version)?"),
        (
            "service.rollback",
            r"(?:undo|revert) the (?:last|latest|previous) (?:rollout|deployment|deploy|release)",
        ),
        ("service.rollback", r"go back to the previous version"),
        (
            "spark.kill_applications",
            rf"{_KILL}(?: spark)? application (?P<application>app-[\d-]{{1,30}})",
        ),
        (
            "spark.kill_drivers",
            rf"{_KILL}(?: spark)? driver (?P<driver>driver-[\d-]{{1,30}})",
        ),
        (
            "yarn.kill_applications",
            rf"{_KILL}(?: yarn)? application (?P<application>application_[\d_]{{1,40}})",
        ),
        (
            "spark.resubmit",
            (
                r"(?:resubmit|submit|rerun)(?: the)?(?: spark)? job (?P<job>[a-z0-9._-]{1,100})"
                r"(?: again)?"
            ),
        ),
        (
            "docker.update_resources",
            (
                rf"{_SET} memory(?: limit)?{_OF_IT} to (?P<memory>\d{{1,7}}(?:\.\d)?) ?"
                r"(?P<memory_unit>mib|mb|m|gib|gb|g)"
            ),
        ),
        (
            "docker.update_resources",
            (
                rf"{_SET} cpu(?: limit)?{_OF_IT} to (?P<cpu>\d{{1,5}}(?:\.\d{{1,2}})?) ?"
                r"(?P<cpu_unit>%|percent|cpus?|cores?|processors?)"
            ),
        ),
        ("airflow.pause", rf"pause {_DAG}"),
        ("airflow.unpause", rf"(?:unpause|resume) {_DAG}"),
        ("airflow.trigger", rf"(?:trigger|run|kick off) {_DAG}"),
        ("airflow.trigger", rf"(?:trigger|start) a (?:new )?run{_OF_DAG}"),
        ("airflow.clear_run", rf"{_AGAIN} failed tasks{_OF_DAG}"),
        ("airflow.clear_run", rf"{_AGAIN}(?: last| latest)? failed run{_OF_DAG}"),
        (
            "airflow.clear_task",
            rf"{_AGAIN}(?: failed)? task (?P<task>[a-z0-9_][a-z0-9_.-]{{0,249}}){_OF_DAG}",
        ),
        ("airflow.runs", rf"{_SHOW}(?: last| latest| recent) runs{_OF_DAG}"),
    )
)

WORDS: dict[str, frozenset[str]] = {
    "service.restart": frozenset({"restart", "reboot", "bounce", "recycle"}),
    "service.stop": frozenset({"stop", "halt", "shutdown"}),
    "service.start": frozenset({"start", "boot", "launch"}),
    "service.status": frozenset({"status", "health", "healthy"}),
    "service.stats": frozenset({"usage", "consumption"}),
    "service.logs": frozenset({"log", "logs"}),
    "service.scale": frozenset({"scale", "replicas", "replica", "instances"}),
    "service.rollout": frozenset({"rollout", "rolling"}),
    "service.rollback": frozenset({"rollback", "revert"}),
    "docker.update_resources": frozenset({"memory", "cpu", "ram"}),
    "spark.kill_applications": frozenset({"application", "applications"}),
    "spark.kill_drivers": frozenset({"driver", "drivers"}),
    "yarn.kill_applications": frozenset({"application", "applications"}),
    "spark.resubmit": frozenset({"resubmit", "rerun"}),
    "airflow.trigger": frozenset({"trigger", "rerun", "dag"}),
    "airflow.clear_run": frozenset({"clear", "retry", "rerun", "dag"}),
    "airflow.clear_task": frozenset({"task"}),
    "airflow.pause": frozenset({"pause"}),
    "airflow.unpause": frozenset({"unpause", "resume"}),
}
"""Words that point to an action: a sentence that no rule matches may name several candidates."""

TEXTS = frozenset({"application", "driver", "job", "task"})
"""Groups of the rules that are text; the others are whole numbers."""

NEED_A_VALUE = frozenset({"service.scale", "docker.update_resources", "airflow.clear_task"})
