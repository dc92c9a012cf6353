"""A local Slack: Web API, Socket Mode, incoming webhooks, and a page to look at and click.

It is made from Slack's documentation and from captured traffic. The folder is a package of its own:
every import in it is relative, of the standard library, or named in `requirements.txt`, so that it
can be copied into another project under any name. These names are its surface; the modules behind
them may change.
"""

from .actions import Outcome
from .chaos import Chaos
from .clock import Clock, ForwardClock, ManualClock, SystemClock, Timer
from .content import checked_view, kept_content, kept_metadata, refuse_blocks
from .conversation import Answered, Person
from .core import Call, File
from .deliveries import ACK_SECONDS, RETRY_AFTER
from .faults import Faults, rate_limited
from .local import LocalSlack
from .manifest import Manifest, read_manifest
from .message import Message
from .mrkdwn import Names, to_html
from .people import OUR_APP, Channel, foreign_app
from .rates import TIERS, RateLimits
from .reading import NotThereError, full_text, menu_entries
from .refusal import Refusal
from .transcript import printable
from .waiting import NeverHappenedError

__all__ = [
    "ACK_SECONDS",
    "OUR_APP",
    "RETRY_AFTER",
    "TIERS",
    "Answered",
    "Call",
    "Channel",
    "Chaos",
    "Clock",
    "Faults",
    "File",
    "ForwardClock",
    "LocalSlack",
    "Manifest",
    "ManualClock",
    "Message",
    "Names",
    "NeverHappenedError",
    "NotThereError",
    "Outcome",
    "Person",
    "RateLimits",
    "Refusal",
    "SystemClock",
    "Timer",
    "checked_view",
    "foreign_app",
    "full_text",
    "kept_content",
    "kept_metadata",
    "menu_entries",
    "printable",
    "rate_limited",
    "read_manifest",
    "refuse_blocks",
    "to_html",
]
