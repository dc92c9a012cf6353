"""Answers the queries from a live cluster: reads its API over HTTP, and changes nothing.

https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from bot.enrichment.http import SourceError, get
from bot.enrichment.kubernetes.objects import node_text, pod_text
from bot.enrichment.kubernetes.source import NoAnswer, Query, is_name
from bot.enrichment.segment import EvidenceSource
from bot.incidents.names import workload_of_pod

LARGEST_LIST = 16_777_216  # bytes of a list with whole objects: about 3,000 pods
LARGEST_LOG = 262_144
MOST_OBJECTS = 500
LOG_LINES = 500
_TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
_ERROR = re.compile(
    r"(?i)\b(?:error|err|exception|fatal|panic|critical|severe|fail(?:ed|ure)?|warn(?:ing)?|refused"
    r"|denied|timed? ?out|unavailable|oom|killed|traceback|caused by)\b"
)


class ClusterApi:
    """One cluster, for one gathering: everything has to be there `seconds` after it was built."""

    most_logs = 6

    def __init__(
        self, session: aiohttp.ClientSession, source: EvidenceSource, seconds: float
    ) -> None:
        self._session = session
        self._source = source
        self._until = asyncio.get_running_loop().time() + seconds
        self._pods: dict[str, Mapping[str, Any]] = {}
        self._nodes: dict[str, Mapping[str, Any]] | None = None

    async def arguments(self, query: Query, namespace: str) -> Sequence[str]:
        """Return the arguments of what the answer about the pods named; of nodes all."""
        if query is Query.NODE_SERVICES:
            return sorted(await self._all_nodes())
        names = self._pods
        if query is Query.ERRORS:
            return sorted({f"{namespace}.{workload_of_pod(name)}" for name in names})
        return sorted(f"{namespace}.{name}" for name in names)

    async def answer(self, query: Query, argument: str) -> str:
        """Return the answer in the form of kubectl's, or raise NoAnswer."""
        if not is_name(argument):
            raise NoAnswer("bad name")
        namespace, _, name = argument.partition(".")
        if query is Query.PODS:
            return await self._table_of_pods(namespace)
        if query is Query.EVENTS:
            return await self._table_of_events(namespace)
        if query is Query.ERRORS:
            return await self._errors(namespace, name)
        if query is Query.NODE_SERVICES:
            return node_text((await self._all_nodes())[argument])
        return pod_text(self._pods[name])

    async def _table_of_pods(self, namespace: str) -> str:
        table = await self._table(f"namespaces/{namespace}/pods", {"includeObject": "Object"})
        rows = []
        for row in table["rows"]:
            name = str(row["object"]["metadata"]["name"])
            self._pods[name] = row["object"]
            rows.append("   ".join(str(cell) for cell in row["cells"]))
        return "\n".join(rows) or "No resources found"

    async def _table_of_events(self, namespace: str) -> str:
        table = await self._table(f"namespaces/{namespace}/events", {})
        names = [str(column["name"]).lower() for column in table["columnDefinitions"]]
        rows = []
        for row in table["rows"]:
            cells = dict(zip(names, map(str, row["cells"]), strict=False))
            parts = [cells[name] for name in ("last seen", "type", "reason", "object", "message")]
            if cells.get("count", "1") not in ("", "0", "1"):
                parts[0] += f" (x{cells['count']})"
            rows.append("   ".join(parts))
        return "\n".join(rows) or "No resources found"

    async def _errors(self, namespace: str, workload: str) -> str:
        """Return the error lines of the pod of a workload that restarted most, of all containers.

        Of a container that waits to be started again, the log before is read.
        """
        pods = [name for name in self._pods if workload_of_pod(name) == workload]
        pod = max(pods, key=lambda name: _restarts(self._pods[name]))
        statuses = self._pods[pod].get("status", {}).get("containerStatuses", [])
        texts = await asyncio.gather(
            *(
                self._log(f"namespaces/{namespace}/pods/{pod}/log", status)
                for status in statuses[:3]
            )
        )
        lines = (line for text in texts for line in text.split("\n"))
        return "\n".join(line for line in lines if _ERROR.search(line[:1_000]))

    async def _log(self, path: str, status: Mapping[str, Any]) -> str:
        parameters = {
            "container": str(status["name"]),
            "tailLines": str(LOG_LINES),
            "limitBytes": str(LARGEST_LOG),
        }
        if "waiting" in status.get("state", {}) and status.get("restartCount"):
            parameters["previous"] = "true"
        data = await self._get(path, parameters, LARGEST_LOG)
        return data.decode(errors="replace")

    async def _all_nodes(self) -> dict[str, Mapping[str, Any]]:
        """Return the nodes by name; none if the bot may not list them."""
        if self._nodes is None:
            self._nodes = {}
            try:
                data = await self._get("nodes", {"limit": str(MOST_OBJECTS)}, LARGEST_LIST)
                items = json.loads(data)["items"]
                self._nodes = {str(node["metadata"]["name"]): node for node in items}
            except (NoAnswer, ValueError, LookupError, TypeError):
                pass
        return self._nodes

    async def _table(self, path: str, parameters: Mapping[str, str]) -> Mapping[str, Any]:
        parameters = {"limit": str(MOST_OBJECTS), **parameters}
        try:
            table = json.loads(await self._get(path, parameters, LARGEST_LIST, _TABLE))
        except ValueError as error:
            raise NoAnswer("failed") from error
        if not isinstance(table, dict) or table.get("kind") != "Table":
            raise NoAnswer("failed")
        return table

    async def _get(
        self,
        path: str,
        parameters: Mapping[str, str],
        largest: int,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        url = f"{self._source.url}/api/v1/{path}"
        access = self._source.access
        try:
            async with asyncio.timeout_at(self._until):
                return await get(
                    self._session, url, parameters, access, largest=largest, headers=headers
                )
        except TimeoutError as error:
            raise NoAnswer("late") from error
        except aiohttp.ClientError as error:
            raise NoAnswer("unreachable") from error
        except SourceError as error:
            word = "not allowed" if "HTTP 40" in str(error)[:8] else "failed"
            raise NoAnswer(word) from error


def _restarts(pod: Mapping[str, Any]) -> int:
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return sum(int(status.get("restartCount", 0)) for status in statuses)
