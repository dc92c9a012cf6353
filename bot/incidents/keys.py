"""Identity: incident key, SOP ID, fingerprint, tracking id. One normaliser for all of them."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

_SPACE_OR_DASH = re.compile(r"[\s\-]")
_SOP_ID = re.compile(r"[a-z0-9_-]{1,64}")
_TRACKING_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{3,79}")
# Times before numbers, because a time consists of numbers.
_VOLATILE = re.compile(
    r"\d{4}[-./]\d\d[-./]\d\d([T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?)?"
    r"|\d\d:\d\d(:\d\d)?"
    r"|\d+(\.\d+)?"
)


@lru_cache(maxsize=2048)  # the alerts of a burst share few subjects
def normalise(part: str) -> str:
    """Normalise one part of an incident key: lower case, white space and '-' to '_', empty to '-'.

    Separators inside a part ('|') become '_' so that a part can never pose as two.
    """
    cleaned = _SPACE_OR_DASH.sub("_", part.strip().lower()).replace("|", "_")
    return cleaned or "-"


def incident_key_of(env: str, service: str, category: str, severity: str) -> str:
    """Return `env|service|category|severity`, each part normalised."""
    return "|".join(map(normalise, (env, service, category, severity)))


@lru_cache(maxsize=1024)  # called twice per alert: to find an SOP of that id, and else to name it
def sop_id_of(incident_key: str) -> str:
    """Return `sop_` + the first 12 hex digits of SHA-1 over the key's UTF-8 bytes.

    SHA-1 names here, it does not protect: `prod|web|cpu|high` is `sop_e3389dc114b9` everywhere.
    """
    data = incident_key.encode("utf-8", "backslashreplace")
    return "sop_" + hashlib.sha1(data, usedforsecurity=False).hexdigest()[:12]


def is_sop_id(text: str) -> bool:
    """Return True if `text` is valid as a SOP ID from outside: `[a-z0-9_-]{1,64}`."""
    return _SOP_ID.fullmatch(text) is not None


def is_tracking_id(text: str) -> bool:
    """Return True if a sender's tracking id is kept unchanged."""
    return _TRACKING_ID.fullmatch(text) is not None


def new_tracking_id(now: datetime) -> str:
    """Return `req-YYYYMMDD-HHMMSS-<8 hex>` in UTC."""
    # A name, not a secret: it need not cost a system call.
    number = random.getrandbits(32)
    return f"req-{_second_of(now.timestamp() // 1)}-{number:08x}"


@lru_cache(maxsize=4)  # the alerts of a burst arrive in few seconds
def _second_of(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%d-%H%M%S}"


def fingerprint_of(source: str, labels: Mapping[str, str], *texts: str) -> str:
    """Return 16 hex digits that stay the same while numbers and times in the alert change.

    The hash covers the source, the identifying labels in order of their names, and the texts
    without numbers and times.
    """
    parts = [source, *(f"{name}={labels[name]}" for name in sorted(labels))]
    parts.extend(_VOLATILE.sub("#", text) for text in texts)
    return _digest(parts)


def _digest(parts: Iterable[str]) -> str:
    joined = "\x1f".join(parts).encode("utf-8", "backslashreplace")
    return hashlib.sha256(joined).hexdigest()[:16]
