"""The types of settings. An error describes the problem and never shows the value."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode
from yarl import URL

from bot.language import languages
from bot.validation import form

_CHANNEL = "must be a channel id such as C0123ABCD, not a name"
_URL = "must be an address such as http://host:8003"
_TOKENS = ("xoxb-", "xapp-", "xoxp-")
_HIGHEST_PORT = 65_535
_LONGEST_SECONDS = 86_400.0


def _names(value: Any) -> Any:
    """Parse `C1, C2, C1` to ("C1", "C2")."""
    if isinstance(value, str):
        return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    return value


def _usable(value: str) -> str:
    """Accept an address that a client can call; `http://[::1` and `http://host:port` are
    invalid.
    """
    try:
        usable = bool(URL(value).host and urlsplit(value).port != 0)
    except ValueError:
        usable = False
    if value and not usable:
        raise ValueError(_URL)
    return value


def _spoken(value: str) -> str:
    known = languages()
    if value not in known:
        raise ValueError(f"must be one of {', '.join(known)}")
    return value


def _in_range(value: str) -> str:
    if int(value.rpartition(":")[2]) > _HIGHEST_PORT:
        raise ValueError(f"its port must be at most {_HIGHEST_PORT}")
    return value


def check_token(token: SecretStr, begins: str) -> SecretStr:
    """Accept a token of Slack that is valid in a header; ValueError names the problem."""
    text = token.get_secret_value()
    if not text.strip():
        raise ValueError("is empty")
    if not text.startswith(begins) and text.startswith(_TOKENS):
        raise ValueError(f"must begin with {begins}: are the two tokens swapped?")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("holds a space, a line end or a character that no token has")
    return token


def _schedule(value: str) -> str:
    """Accept an interval or a cron expression."""
    # Loaded here: APScheduler is not needed to name a wrong setting.
    from bot.backups.schedule import read_schedule

    read_schedule(value)
    return value


def check_nats_url(url: SecretStr) -> SecretStr:
    """Accept servers of NATS, comma separated; ValueError names the problem, not the value."""
    for server in filter(None, map(str.strip, url.get_secret_value().split(","))):
        try:
            parts = urlsplit(server)
            usable = parts.scheme in ("nats", "tls") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable or not server.isascii() or not server.isprintable() or " " in server:
            raise ValueError("must be an address such as nats://host:4222, or several with commas")
    return url


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]
ChannelId = Annotated[str, form(r"[CG][A-Z0-9]+", _CHANNEL)]
ChannelIds = Annotated[
    tuple[ChannelId, ...], NoDecode, BeforeValidator(_names), Field(min_length=1)
]
OptionalChannelId = Annotated[str, form(r"([CG][A-Z0-9]+)?", _CHANNEL)]
NatsName = Annotated[
    str, form(r"[A-Za-z0-9_-]{1,64}", "must be 1 to 64 letters, digits, _ and -, no dot")
]
Url = Annotated[str, form(r"https?://[^\s/]+\S*", _URL), AfterValidator(_usable)]
OptionalUrl = Annotated[str, form(r"(https?://[^\s/]+\S*)?", _URL), AfterValidator(_usable)]
Address = Annotated[
    str,
    form(r"(\[[0-9a-fA-F:]+\]|[^\s:\[\]]+):\d{1,5}", "must be host:port, as 127.0.0.1:8080"),
    AfterValidator(_in_range),
]
BackupSchedule = Annotated[str, AfterValidator(_schedule)]
Language = Annotated[str, AfterValidator(_spoken)]
Seconds = Annotated[float, Field(le=_LONGEST_SECONDS, allow_inf_nan=False)]
