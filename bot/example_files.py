"""The files that an operator starts from: the example configuration and the Slack app's manifest.

`bot/examples/` has links to the repository's own `config/` and `manifest.yml`, so the wheel carries
the same files, and both stand at one path below the package.
"""

from __future__ import annotations

from pathlib import Path

EXAMPLES = Path(__file__).parent / "examples"
MANIFEST = EXAMPLES / "manifest.yml"
CONFIG = EXAMPLES / "config"
