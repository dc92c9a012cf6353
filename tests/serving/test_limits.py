"""Descriptors: raised where the system lets us, and never promised where it does not."""

import subprocess
import sys

import pytest

CODE = """
import resource, sys
soft, hard, total = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
from bot.serving.limits import ConnectionLimits, fitted
print(fitted(ConnectionLimits(total=total)).total, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "total", "expected"),
    [
        (300, 4_000, 1_000, "1000 1256"),
        (300, 800, 1_000, "544 800"),
        (300, 300, 1_000, "44 300"),
        (4_000, 4_000, 1_000, "1000 4000"),
    ],
    ids=["raised", "raised in part", "as it is", "enough"],
)
def test_no_more_connections_than_descriptors_after_the_reserve(soft, hard, total, expected):
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(soft), str(hard), str(total)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == expected
