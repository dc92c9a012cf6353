"""Prints the prompt about one incident, as the bot builds it. Only reads, and asks no model.

The evidence is what the bot gathered last; nonce and time are those of the call.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from datetime import UTC, datetime

from bot.advice.advisor import Advisor
from bot.advisors_from_settings import task_instructions
from bot.enrichment.model import Evidence
from bot.errors import InputError, SettingsError, SopbotError
from bot.from_settings import first_configuration
from bot.hardening import hide_memory
from bot.response.advise import subject_of
from bot.settings import Settings, load
from store import open_store
from store.admin import condition

EXIT_FAILED, EXIT_CONFIG = 1, 78


def run(options: argparse.Namespace) -> int:
    """Print the prompt. 0 for success; 1 if it failed; 78 for bad settings."""
    hide_memory()  # STORE_URL may hold a password
    try:
        prompt = asyncio.run(_prompt(load(), _number(options.incident), options.question))
    except SettingsError as error:
        for problem in error.problems:
            print(f"✗ {problem}", file=sys.stderr)
        return EXIT_CONFIG
    except SopbotError as error:
        print(f"✗ {error}", file=sys.stderr)
        return EXIT_FAILED
    # As bytes: a terminal of another encoding must not change them.
    sys.stdout.buffer.write(prompt.encode("utf-8", "replace"))
    return 0


def _number(text: str) -> int:
    digits = text.upper().removeprefix("#").removeprefix("INC").removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 12):
        raise InputError(f"{text[:40]} is not an incident number. Example: INC-12.")
    return int(digits)


async def _prompt(settings: Settings, number: int, question: str) -> str:
    config = first_configuration(settings)
    url = settings.store_url.get_secret_value()
    state = condition.read_condition(url)  # raises if the store is unusable, and never creates one
    if state.behind:  # opening it would migrate it
        raise SettingsError([f"STORE_URL: older than this sopbot: {', '.join(state.behind)}"])
    store = await open_store(url, owner="prompt")
    try:
        context = await store.advice_context(number)
        evidence = await store.evidence(number)
    finally:
        await store.close()
    if evidence is None:
        print("! No evidence has been gathered about it yet.", file=sys.stderr)
    now = datetime.now(UTC)
    subject = subject_of(config.sops, context, question, now, evidence or Evidence())
    rules = config.policy.privacy.redact
    advisor = Advisor(None, task_instructions(settings), private=lambda: rules)
    return advisor.prompt(subject, secrets.token_hex(8))
