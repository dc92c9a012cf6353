"""Puts the policy, the SOPs and the runbooks of the files in force, and records which they are."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from bot.configuration import Configuration, LiveConfiguration
from bot.errors import SettingsError, StoreError
from bot.observability.events import Event, emit
from bot.response.reload_notice import ReloadNotice
from bot.retrieval.library import RunbookLibrary
from store import Store
from store.operations.audit_kinds import Kind

log = logging.getLogger(__name__)


class PolicyReload:
    """Reads the files again: `read` raises SettingsError with their problems.

    `notice` tells the ops channel how the last reload went.
    """

    def __init__(
        self,
        read: Callable[[], Configuration],
        config: LiveConfiguration,
        store: Store,
        runbooks: RunbookLibrary,
        clock: Callable[[], datetime],
        notice: ReloadNotice,
    ) -> None:
        self._read = read
        self._config = config
        self._store = store
        self._runbooks = runbooks
        self._clock = clock
        self.notice = notice

    def take(self) -> bool:
        """Put all of the files in force, and return True; or none, if one has a problem."""
        try:
            current = self._read()
        except SettingsError as error:
            emit(Event.POLICY_REFUSED, why=str(error))
            self.notice.refused(error.problems)
            return False
        self._config.current = current
        self.notice.taken()
        emit(Event.POLICY_RELOADED, sops=len(current.sops.sops))
        return True

    async def finish(self) -> None:
        """Read the runbooks again, and record the policy."""
        await self._runbooks.load()
        try:
            await record_policy(self._store, self._config, self._clock())
        except StoreError as error:
            log.error("that the policy was reloaded is not on record: %s", error)


async def record_policy(store: Store, config: LiveConfiguration, now: datetime) -> None:
    """Record which policy decides from now on. StoreError: the audit trail is not ours."""
    await store.record(Kind.POLICY_LOADED, now=now, subject=config.current.policy_digest)
