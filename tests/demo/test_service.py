import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing

import pytest

from bot.demo.service import Checkout, server_of


def test_each_order_is_kept_until_the_limit_is_passed_and_then_refused():
    checkout = Checkout(limit_bytes=1000, leak_bytes=400)

    assert [checkout.order() for _ in range(4)] == [True, True, True, False]
    assert checkout.held_bytes == 1200
    assert not checkout.well


def test_a_new_process_is_healthy_again():
    ill = Checkout(limit_bytes=0, leak_bytes=1)
    ill.order()

    assert not ill.well
    assert Checkout(limit_bytes=0, leak_bytes=1).well


@pytest.fixture
def url() -> Iterator[str]:
    with server_of(Checkout(limit_bytes=2 * 1024, leak_bytes=1024)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own server
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with closing(error):
            return error.code, error.read().decode()


def test_the_health_check_fails_once_the_leak_passes_the_limit(url):
    assert get(f"{url}/healthz")[0] == 200

    assert [get(f"{url}/checkout")[0] for _ in range(4)] == [200, 200, 200, 503]

    status, body = get(f"{url}/healthz")
    assert status == 503
    health = json.loads(body)
    assert health["status"] == "failing"
    assert health["held_bytes"] == 3 * 1024
    assert "checkout_held_bytes 3072" in get(f"{url}/metrics")[1]


def test_an_unknown_path_is_told_what_there_is(url):
    status, body = get(f"{url}/admin")

    assert status == 404
    assert "/healthz" in body
