"""The addresses, ids and tokens of a running local Slack."""

from .core import Call, Core
from .people import TEAM_ID


class Addresses:
    """The plain facts about a running local Slack."""

    _core: Core

    @property
    def page_url(self) -> str:
        """The page to look at, with a slash at its end."""
        return f"{self._core.base_url}/"

    @property
    def api_url(self) -> str:
        """The Web API's base, with a slash at its end."""
        return f"{self._core.base_url}/api/"

    @property
    def app_token(self) -> str:
        """The xapp token of the app under test."""
        return self._core.tokens.app

    @property
    def bot_token(self) -> str:
        """The xoxb token of the app under test."""
        return self._core.tokens.bot

    @property
    def bot_user_id(self) -> str:
        """The user behind the app under test."""
        return self._core.workspace.app.user_id

    @property
    def team_id(self) -> str:
        """The workspace's id."""
        return TEAM_ID

    @property
    def channels(self) -> dict[str, str]:
        """Channel ids by name."""
        return {c.name: c.id for c in self._core.workspace.channels.values() if c.name}

    @property
    def users(self) -> dict[str, str]:
        """User ids by name."""
        return {u.name: u.id for u in self._core.workspace.users.values()}

    @property
    def calls(self) -> list[Call]:
        """Every Web API call so far; empty with `record_calls=False`."""
        return self._core.calls if self._core.calls is not None else []

    @property
    def connections(self) -> int:
        """The number of open Socket Mode links."""
        return len(self._core.links.links)

    @property
    def core(self) -> Core:
        """The parts, for tests that need a finer hold: links, workspace, views, tokens."""
        return self._core

    def calls_of(self, method: str) -> list[Call]:
        """The calls of one method."""
        return [call for call in self.calls if call.method == method]
