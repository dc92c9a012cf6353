import json
import subprocess
import sys
from pathlib import Path

from bot.advice.cleaning import clean_answer, last_json
from bot.advice.model import Guidance, Subject
from bot.advice.prompt import build_prompt
from bot.demo import advisor
from bot.incidents.model import Alert, AlertStatus, Severity

SCRIPT = Path(advisor.__file__)


def ask(prompt: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT)],
        input=prompt.encode(),
        capture_output=True,
        timeout=30,
        check=False,
    )


def subject(**changes: object) -> Subject:
    alert = Alert(
        source="alertmanager",
        status=AlertStatus.FIRING,
        name="HealthCheckFailing",
        title="checkout-api fails its health check",
        service="checkout-api",
        severity=Severity.CRITICAL,
        value="33 MiB",
        threshold="32 MiB",
        fingerprint="f1",
    )
    guidance = Guidance(
        sop_id="checkout_health",
        parameters=("Usual cause: a memory leak",),
        fix_actions=("Restart checkout-api.",),
    )
    data = {"about": alert, "guidance": guidance, **changes}
    return Subject(incident_key="prod|checkout-api|-|-", sop_id="checkout_health", **data)


def test_the_bots_own_prompt_is_answered_with_the_json_it_asks_for():
    ended = ask(build_prompt(subject(), "", nonce="abc"))

    assert ended.returncode == 0, ended.stderr
    assert b"\x1b[" in ended.stdout
    answer = last_json(clean_answer(ended.stdout), ("root_cause", "suggested_actions"))
    assert answer is not None
    assert answer["root_cause"] == "A memory leak in checkout-api."
    assert answer["suggested_actions"] == ["Restart checkout-api."]


def test_without_an_sop_the_cause_is_undetermined():
    ended = ask(build_prompt(subject(guidance=None), "", nonce="abc"))

    answer = last_json(clean_answer(ended.stdout), ("root_cause",))
    assert answer is not None
    assert answer["root_cause"] == "Undetermined"
    assert answer["confidence"] == "low"


def test_a_question_is_answered_in_plain_words_that_say_there_is_no_model():
    ended = ask(build_prompt(subject(question="why now?"), "", nonce="abc"))

    text = clean_answer(ended.stdout)
    assert "no model" in text
    assert last_json(text, ("root_cause",)) is None


def test_a_prompt_without_data_is_an_error_that_says_so():
    ended = ask("hello")

    assert ended.returncode == 1
    assert b"no data" in ended.stderr


def test_the_name_it_runs_under_says_that_it_is_no_model():
    assert "no model" in advisor.NAME
    assert json.dumps(advisor.NAME)
