"""Finds the stream of each subject, creates the bot's own stream, and binds durable consumers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamConfig
from nats.js.errors import NotFoundError

from bot.errors import OutsideError
from bot.nats.subjects import ANOMALIES, covers, filters
from store.operations.publications import SUBJECTS

MAX_ACK_PENDING = 64  # messages that all replicas together have in hand
ACK_WAIT = 60.0  # seconds until the server delivers a message again that was not acknowledged
LOOK_BACK = timedelta(hours=1)  # how old an anomaly may be when the consumer is created
KEEP = 7 * 86_400.0  # seconds that our own stream keeps a message
KEEP_BYTES = 256 * 1024 * 1024
DUPLICATE_WINDOW = 3_600.0  # seconds in which our own stream drops a message with a known id


@dataclass(frozen=True, slots=True)
class Source:
    """A filter of a stream that takes anomalies, and the durable consumer for it."""

    stream: str
    subject: str
    durable: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The streams of the server: sources of anomalies, and subjects that no stream takes."""

    sources: tuple[Source, ...]
    missing: tuple[str, ...]
    has_own_stream: bool


async def layout(js: JetStreamContext, stream: str, consumer: str) -> Layout:
    """Read the streams of the account; changes nothing."""
    taken = await _streams(js)
    sources = [
        Source(name, subject, durable_name(consumer, subject))
        for name, subjects in taken.items()
        for subject in dict.fromkeys(filters(subjects, ANOMALIES))
    ]
    everything = [subject for subjects in taken.values() for subject in subjects]
    missing = [
        subject
        for subject in (*ANOMALIES, *SUBJECTS)
        if not any(covers(pattern, subject) or covers(subject, pattern) for pattern in everything)
    ]
    return Layout(tuple(sources), tuple(missing), stream in taken)


async def prepare(js: JetStreamContext, stream: str, consumer: str) -> tuple[Source, ...]:
    """Create the bot's stream and its consumers where they are missing; return the sources.

    Raises OutsideError when a stream of that name exists and does not take the missing subjects:
    the bot never changes a stream that is there.
    """
    existing = await layout(js, stream, consumer)
    if existing.missing and existing.has_own_stream:
        raise OutsideError(
            f"The stream {stream} does not take {', '.join(existing.missing)}.",
            remedy="Add the subjects to it, or name another stream in NATS_STREAM.",
        )
    if existing.missing:
        await js.add_stream(
            StreamConfig(
                name=stream,
                description="anomalies for sopbot, and what it publishes",
                subjects=list(existing.missing),
                max_age=KEEP,
                max_bytes=KEEP_BYTES,
                duplicate_window=DUPLICATE_WINDOW,
            )
        )
        existing = await layout(js, stream, consumer)
    for source in existing.sources:
        await _consumer(js, source)
    return existing.sources


def durable_name(consumer: str, subject: str) -> str:
    """Return the name of the durable consumer of a filter; a name has no dots and no wildcards."""
    return f"{consumer}-{subject.replace('.', '-').replace('>', 'all').replace('*', 'any')}"


async def _consumer(js: JetStreamContext, source: Source) -> None:
    try:
        info = await js.consumer_info(source.stream, source.durable)
    except NotFoundError:
        await js.add_consumer(
            source.stream,
            ConsumerConfig(
                durable_name=source.durable,
                description="sopbot: anomalies become alerts",
                deliver_policy=DeliverPolicy.BY_START_TIME,
                opt_start_time=datetime.now(UTC) - LOOK_BACK,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=ACK_WAIT,
                max_deliver=-1,
                max_ack_pending=MAX_ACK_PENDING,
                filter_subject=source.subject,
            ),
        )
        return
    config = info.config
    if config.ack_policy != AckPolicy.EXPLICIT or config.deliver_subject:
        raise OutsideError(
            f"The consumer {source.durable} of {source.stream} is not a pull consumer with"
            " explicit acknowledgement.",
            remedy="Delete it, or name another in NATS_CONSUMER.",
        )


async def _streams(js: JetStreamContext) -> dict[str, Sequence[str]]:
    """Return every stream's subjects; the server lists a part of them at a time."""
    streams: dict[str, Sequence[str]] = {}
    while page := await js.streams_info(offset=len(streams)):
        before = len(streams)
        streams |= {str(info.config.name): info.config.subjects or () for info in page}
        if len(streams) == before:
            break
    return streams
