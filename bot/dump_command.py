"""`python -m bot dump`: prints the running bot's state as JSON."""

from __future__ import annotations

import asyncio
import json
import sys

from bot.errors import SettingsError
from bot.serving.dump import NoDumpError, fetch, local_url
from bot.settings import load

EXIT_FAILED, EXIT_CONFIG = 1, 78


def run() -> int:
    """Print the dump. 0 for success; 1 if no bot answers; 78 for bad settings."""
    try:
        settings = load()
        url = local_url(settings.http_host, settings.http_port)
        token = settings.http_token.get_secret_value()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        print(json.dumps(asyncio.run(fetch(f"{url}/dump", headers)), indent=2))
    except SettingsError as error:
        for problem in error.problems:
            print(f"✗ {problem}", file=sys.stderr)
        return EXIT_CONFIG
    except NoDumpError as error:
        print(f"✗ {error}", file=sys.stderr)
        return EXIT_FAILED
    return 0
