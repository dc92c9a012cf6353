"""The gateway's span: in the caller's trace if the header is one, never more than an id."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from bot.gateway.errors import ConfigError
from bot.gateway.journal import Execution
from bot.gateway.metrics import Metrics
from bot.gateway.running import Running
from bot.gateway.tracing import open_spans, span_of
from bot.serving.traces import span_id_of, trace_id_of, traceparent_of
from tests.helpers.clocks import NOW

TRACKING = "req-20261127-010203-01234567"
ROW = Execution("sopbot", "key-1", "r", "h", "service.restart", "web", "running", "", "", "")


def span(traceparent: str):
    running = Running("h", "", TRACKING, traceparent)
    return span_of(ROW, running, NOW, NOW, failed=False)


def test_its_parent_is_the_dispatch_that_the_bot_names() -> None:
    made = span(traceparent_of(TRACKING, "remediation.dispatch", "key-1"))
    assert made.trace_id == trace_id_of(TRACKING)
    assert made.parent_id == span_id_of(TRACKING, "remediation.dispatch", "key-1")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00-" + "0" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "0" * 16 + "-01",
        "00-" + "A" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "1" * 16 + "-01\n",
        "00-" + "1" * 32 + "-" + "1" * 16 + "-01-extra",
        "ff-" + "1" * 32 + "-" + "1" * 16 + "-01",
        "'; DROP TABLE executions; --",
    ],
)
def test_a_malformed_header_is_no_parent_and_the_trace_follows_from_the_tracking_id(
    header: str,
) -> None:
    made = span(header)
    assert (made.trace_id, made.parent_id) == (trace_id_of(TRACKING), "")


async def test_headers_without_a_name_stop_the_start_and_are_not_shown() -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_HEADERS": "hunter-two",
    }
    with pytest.raises(ConfigError) as refused:
        open_spans(environ, Metrics([]), AsyncExitStack())
    assert "hunter-two" not in str(refused.value)
