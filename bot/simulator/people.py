"""The people, groups, apps and channels of the workspace."""

from dataclasses import dataclass, field
from typing import Any

TEAM_ID = "T0TEAM0001"
TEAM_NAME = "Local workspace"
TEAM_DOMAIN = "local"

JSON = dict[str, Any]


@dataclass(frozen=True)
class User:
    """A person, or the user behind a bot.

    `is_single_channel` makes a guest one of a single channel; `team_id` is another workspace's for
    somebody of a shared channel.
    """

    id: str
    name: str
    real_name: str
    is_bot: bool = False
    is_guest: bool = False
    is_single_channel: bool = False
    is_deleted: bool = False
    team_id: str = TEAM_ID

    def as_json(self) -> JSON:
        """The object that users.info answers with."""
        profile = {
            "real_name": self.real_name,
            "display_name": self.name,
            "real_name_normalized": self.real_name,
            "display_name_normalized": self.name,
            "team": self.team_id,
        }
        if not self.is_bot:
            profile["email"] = f"{self.name}@example.com"
        if self.is_deleted:  # Slack says little of them, nothing of what they were
            return {
                "id": self.id,
                "team_id": self.team_id,
                "name": self.name,
                "deleted": True,
                "profile": profile,
                "is_bot": self.is_bot,
                "is_app_user": False,
                "updated": 1_795_000_000,
            }
        stranger = {"is_stranger": True} if self.team_id != TEAM_ID else {}
        return {
            **stranger,
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": False,
            "real_name": self.real_name,
            "tz": "Etc/UTC",
            "tz_label": "Coordinated Universal Time",
            "tz_offset": 0,
            "profile": profile,
            "is_admin": False,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": self.is_guest or self.is_single_channel,
            "is_ultra_restricted": self.is_single_channel,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 1_795_000_000,
        }


@dataclass(frozen=True)
class UserGroup:
    """A group that can be mentioned as `<!subteam^ID>`."""

    id: str
    handle: str
    name: str
    members: tuple[str, ...]

    def as_json(self, *, include_users: bool) -> JSON:
        """The object that usergroups.list answers with."""
        answer: JSON = {
            "id": self.id,
            "team_id": TEAM_ID,
            "is_usergroup": True,
            "name": self.name,
            "description": "",
            "handle": self.handle,
            "is_external": False,
            "date_create": 1_795_000_000,
            "date_update": 1_795_000_000,
            "date_delete": 0,
            "user_count": len(self.members),
            "prefs": {"channels": [], "groups": []},
        }
        if include_users:
            answer["users"] = list(self.members)
        return answer


@dataclass(frozen=True)
class App:
    """An app with its bot. Ours has tokens; the others only post."""

    name: str
    app_id: str
    bot_id: str
    user_id: str

    def profile(self) -> JSON:
        """The `bot_profile` that Slack adds to a modern app's message."""
        return {
            "id": self.bot_id,
            "app_id": self.app_id,
            "name": self.name,
            "icons": {},
            "deleted": False,
            "updated": 1_795_000_000,
            "team_id": TEAM_ID,
        }


@dataclass(eq=False)
class Channel:
    """A conversation and everything said in it.

    `messages` holds every message by its `ts`, in order; a message is never changed in place,
    so that what was handed out stays what it was. `timeline` holds the `ts` of what shows in the
    channel itself; `threads` the replies of each parent.
    """

    id: str
    name: str
    members: set[str] = field(default_factory=set)
    is_private: bool = False
    is_archived: bool = False
    is_im: bool = False
    topic: str = ""
    messages: dict[str, JSON] = field(default_factory=dict)
    timeline: dict[str, None] = field(default_factory=dict)
    threads: dict[str, list[str]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The `channel_type` of Slack's events."""
        if self.is_im:
            return "im"
        return "group" if self.is_private else "channel"

    def as_json(self, viewer: str) -> JSON:
        """The object that conversations.info answers with."""
        if self.is_im:
            other = next((m for m in sorted(self.members) if m != viewer), viewer)
            return {"id": self.id, "is_im": True, "user": other, "is_archived": False}
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.is_private,
            "is_group": self.is_private,
            "is_im": False,
            "is_mpim": False,
            "is_private": self.is_private,
            "is_archived": self.is_archived,
            "is_general": False,
            "is_shared": False,
            "is_ext_shared": False,
            "is_org_shared": False,
            "is_member": viewer in self.members,
            "created": 1_795_000_000,
            "creator": "U0ANA00001",
            "context_team_id": TEAM_ID,
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "num_members": len(self.members),
        }


OUR_APP = App("sopbot", "A0SOPBOT01", "B0SOPBOT01", "U0SOPBOT01")


def default_users() -> list[User]:
    """The people of a fresh workspace, one of them a guest, and our bot's user."""
    return [
        User("U0ANA00001", "ana", "Ana"),
        User("U0BEN00001", "ben", "Ben"),
        User("U0CHLOE001", "chloe", "Chloe"),
        User("U0GUEST001", "guest", "Guest", is_guest=True),
        User(OUR_APP.user_id, OUR_APP.name, "Sopbot", is_bot=True),
    ]


def default_groups() -> list[UserGroup]:
    """`@sre` has all three members, `@dba` only one."""
    return [
        UserGroup("S0SRE00001", "sre", "SRE", ("U0ANA00001", "U0BEN00001", "U0CHLOE001")),
        UserGroup("S0DBA00001", "dba", "Database", ("U0CHLOE001",)),
    ]


def default_channels() -> list[Channel]:
    """Two with our bot, one private with it, one without it, one archived."""
    people = {"U0ANA00001", "U0BEN00001", "U0CHLOE001"}
    ours = OUR_APP.user_id
    guest = "U0GUEST001"
    return [
        Channel("C0ALERTS01", "alerts", {*people, guest, ours}, topic="What the monitoring says"),
        Channel("C0OPS00001", "ops", {*people, ours}, topic="Operations"),
        Channel("G0SECRET01", "war-room", {*people, ours}, is_private=True),
        Channel("C0RANDOM01", "random", {*people, guest}),
        Channel("C0OLD00001", "old-alerts", {*people, ours}, is_archived=True),
    ]


def other_apps() -> list[App]:
    """Apps of other makers that post into the channels."""
    named = ["Alertmanager", "Grafana", "CloudWatch", "Sentry", "Zabbix", "Uptime-Kuma"]
    return [foreign_app(name) for name in named]


def foreign_app(name: str) -> App:
    """An app that only posts; the same name always gives the same ids."""
    stem = "".join(c for c in name.upper() if c.isascii() and c.isalnum())[:7].ljust(7, "0")
    return App(name, f"A0{stem}", f"B0{stem}", f"U0{stem}")
