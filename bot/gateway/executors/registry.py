"""The kinds of systems that the gateway can act on. A new one is a file and a line here."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping

from bot.gateway.actions import Action
from bot.gateway.executors import (
    Kind,
    airflow,
    command,
    compose,
    docker,
    docker_prune,
    feature_flag,
    files,
    http,
    kubernetes,
    kubernetes_nodes,
    memcached,
    mongodb,
    mysql,
    postgres,
    process,
    redis,
    spark,
    ssh,
    swarm,
    systemd,
    yarn,
)

_ALL = (
    process.KIND,
    systemd.KIND,
    docker.KIND,
    docker_prune.KIND,
    swarm.KIND,
    compose.KIND,
    kubernetes.KIND,
    kubernetes_nodes.KIND,
    airflow.KIND,
    postgres.KIND,
    mysql.KIND,
    mongodb.KIND,
    redis.KIND,
    memcached.KIND,
    files.KIND,
    http.KIND,
    spark.KIND,
    yarn.KIND,
    feature_flag.KIND,
    ssh.KIND,
    command.KIND,
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}


def built_in_actions(kinds: Iterable[Kind] = tuple(KINDS.values())) -> dict[str, Action]:
    """Return the actions of all kinds by id. Two kinds may share an action, not only its id."""
    actions: dict[str, Action] = {}
    for kind in kinds:
        for action in kind.actions:
            if actions.setdefault(action.id, action) is not action:
                raise ValueError(f"{kind.name} declares another action {action.id}")
    return actions


def missing_library(kind: Kind) -> str:
    """Return the remedy if a library that this kind needs is not installed, else ''."""
    missing = [name for name in kind.requires if importlib.util.find_spec(name) is None]
    if not missing:
        return ""
    return (
        f"{kind.name} needs {', '.join(missing)}: install sopbot with its extra {kind.extra} "
        "(docs/install.md)"
    )
