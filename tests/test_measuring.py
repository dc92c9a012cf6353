from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from tests.measuring import CHILDREN, paused


class Tracer:
    """Stands where coverage stands; remembers the functions that it saw called."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:
        self.called.append(frame.f_code.co_name)


@pytest.fixture
def tracer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracer]:
    here, threads = sys.gettrace(), threading.gettrace()
    item = Tracer()
    monkeypatch.setenv(CHILDREN, "as coverage sets it")
    threading.settrace(item)
    sys.settrace(item)
    yield item
    sys.settrace(here)
    threading.settrace(threads)  # type: ignore[arg-type]


def hidden() -> None: ...


def seen() -> None: ...


def in_a_thread(work: Any) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_while_measuring_is_paused_no_call_no_thread_and_no_child_is_measured(
    tracer: Tracer,
) -> None:
    with paused():
        hidden()
        in_a_thread(hidden)
        assert CHILDREN not in os.environ
    assert "hidden" not in tracer.called


def test_after_a_pause_calls_threads_and_children_are_measured_again(tracer: Tracer) -> None:
    with paused():
        pass
    seen()
    in_a_thread(seen)
    assert tracer.called.count("seen") == 2
    assert os.environ[CHILDREN] == "as coverage sets it"
