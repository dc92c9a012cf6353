"""An engine that counts its operations and statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any

from store.statements import Operation, Statement


class CountingEngine:
    """An engine that counts what it is asked for."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.counts: Counter[str] = Counter()
        self.loads = 0  # of approvals

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def write(self, operation: Any, *args: Any, **kwargs: Any) -> Any:
        self.counts["transactions"] += 1
        return await self._engine.write(self._counted, operation, args, kwargs)

    async def read(self, operation: Any, *args: Any, **kwargs: Any) -> Any:
        self.counts["reads"] += 1
        return await self._engine.read(self._counted, operation, args, kwargs)

    def _counted(self, operation: Any, args: Any, kwargs: Any) -> Operation[Any]:
        running: Generator[Statement, Any, Any] = operation(*args, **kwargs)
        answer: Any = None
        # Counted at the end: an engine that interrupts an operation runs all of it again.
        statements = loads = 0
        try:
            while True:
                statement = running.send(answer)
                if statement.wants in ("rows", "count", "nothing", "many"):
                    statements += 1
                    loads += statement.sql == "SELECT * FROM approvals WHERE id = ?"
                answer = yield statement
        except StopIteration as end:
            self.counts["statements"] += statements
            self.loads += loads
            return end.value
