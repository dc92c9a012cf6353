"""The limit of descriptors is raised where the system allows it, and respected where not."""

import subprocess
import sys

import pytest

CODE = """
import resource, sys
soft, hard, total, arrivals = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
from bot.serving.limits import ConnectionLimits, fitted
limits = fitted(ConnectionLimits(total=total, arrivals=arrivals))
print(limits.total, limits.arrivals, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "total", "arrivals", "expected"),
    [
        (300, 4_000, 1_000, 2_000, "1000 2000 3256"),
        (300, 4_000, 1_000, 16_384, "1000 2744 4000"),
        (300, 800, 1_000, 16_384, "408 136 800"),
        (300, 300, 1_000, 16_384, "33 16 300"),
        (4_000, 4_000, 1_000, 2_000, "1000 2000 4000"),
    ],
    ids=["raised", "fewer arrivals", "fewer of both", "as it is", "enough"],
)
def test_no_more_connections_than_descriptors_after_the_reserve(
    soft, hard, total, arrivals, expected
):
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(soft), str(hard), str(total), str(arrivals)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == expected
