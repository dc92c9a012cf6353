"""STORE_URL, read: which engine, and where."""

from __future__ import annotations

from bot.errors import SettingsError

SERVERS = ("postgresql", "postgres")
EXAMPLES = "use sqlite:////absolute/path.db or postgresql://user@host/database"


def engine_of(url: str) -> str:
    """`sqlite` or `postgresql`. SettingsError, without the URL, for anything else."""
    scheme, colon, rest = url.partition("://")
    if scheme == "sqlite" and colon:
        if rest and not rest.startswith("/"):
            why = "sqlite:///relative.db has three slashes, sqlite:////absolute.db four"
            raise SettingsError([f"STORE_URL: {why}"])
        if rest == "/":
            raise SettingsError([f"STORE_URL: names no file; {EXAMPLES}"])
        return "sqlite"
    if scheme in SERVERS and colon:
        return "postgresql"
    if not url:
        why = "is empty; leave it out for a file here, or " + EXAMPLES
    elif not colon:
        why = f"is no URL; {EXAMPLES}"
    elif scheme.startswith("postgres"):
        why = f"{scheme} is not known here; write postgresql:// and no more"
    else:
        why = f"{scheme} is not known here; {EXAMPLES}"
    raise SettingsError([f"STORE_URL: {why}"])


def path_of(url: str) -> str:
    """The file of an `sqlite` URL, taken as it is written; ':memory:' for none."""
    return url.partition("://")[2].removeprefix("/") or ":memory:"
