"""Templates write more than a title: pairs, headings, runs, bold names, an environment."""

from __future__ import annotations

from typing import Any

import pytest

from bot.incidents.model import Alert, AlertStatus, Severity
from bot.intake import parse_body, parse_message
from bot.intake.headline import read_headline
from bot.intake.lines import read_lines

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED


def posted(text: str, **content: Any) -> Alert:
    (alert,) = parse_message({"bot_id": "B0ANY", "text": text, **content}).alerts
    return alert


def of_body(**body: Any) -> Alert:
    (alert,) = parse_body("quay-watch", body).alerts
    return alert


@pytest.mark.parametrize(
    "text",
    [
        "Quay is full | servizio=marea ambiente=Test",
        "Quay is full (service=marea, env=test)",
        '*Quay is full* service="marea" env=TEST',
        "Quay is full | Service: marea | Env: test",
    ],
)
def test_pairs_behind_a_title_are_labels_and_no_part_of_it(text: str) -> None:
    alert = posted(text)
    assert (alert.title, alert.service, alert.env) == ("Quay is full", "marea", "test")
    assert posted(f"Resolved: {text}").fingerprint == alert.fingerprint


def test_pairs_alone_and_an_expression_inside_a_title_stay() -> None:
    assert posted("service=marea env=prod").title == "service=marea env=prod"
    assert posted("a=1 is no answer").title == "a=1 is no answer"


@pytest.mark.parametrize(
    "heading",
    [
        "Service Alert Notification",
        "Dienst-Alarmbenachrichtigung",
        "Störungsmeldung",
        "Notification d'alerte de service",
        "Notificación de alerta de servicio",
        "Notificação de alerta de serviço",
        "Notifica di allarme del servizio",
        "【サービスアラート通知】",
        "服务告警通知",
    ],
)
def test_a_heading_of_any_language_is_no_title(heading: str) -> None:
    assert posted(f"{heading}\nQuay 3 floods").title == "Quay 3 floods"


def test_a_sentence_of_the_words_of_a_heading_is_a_title() -> None:
    assert posted("数据库故障\nquay").title == "数据库故障"


@pytest.mark.parametrize(
    ("firing", "resolved"),
    [
        ("Lauf tides (Lauf 42) fehlgeschlagen", "Lauf tides (Lauf 43) erfolgreich"),
        ("Job tides (ejecución n.º 42a) falló", "Job tides recuperado"),
        ("Job tides (exécution 42) échoué", "Job tides (exécution 43-b) réussi"),
        ("任务 tides（第 42 次运行）失败", "任务 tides 成功"),
        ("ジョブ tides（実行 42）失敗", "ジョブ tides（実行 43a）成功"),
        ("Monitor *tides* alert: connection timed out", "Monitor *tides* recovered"),
        ("Tides: heartbeat missed", "Tides: heartbeat received again"),
        ("Alert: tides do not load", "Alert canceled: tides do not load"),
    ],
)
def test_the_end_of_a_run_or_monitor_is_about_the_same_as_its_beginning(
    firing: str, resolved: str
) -> None:
    begun, over = read_headline(firing), read_headline(resolved)
    assert (begun.state, over.state) == (FIRING, RESOLVED)
    assert begun.subject == over.subject


def test_marks_of_bold_words_leave_a_title_and_a_pattern_keeps_its_star() -> None:
    assert posted("Monitor *tides* is slow").title == "Monitor tides is slow"
    assert posted("Certificate of *.quay.example expires").title.startswith("Certificate of *.quay")


@pytest.mark.parametrize("word", ["Test", "UAT", "Qa", "PROD", "Staging"])
def test_an_environment_has_one_spelling(word: str) -> None:
    assert posted(f"Quay is full\nEnv: {word}").env == word.lower()
    assert of_body(title="Quay is full", environment=word).env == word.lower()


def test_an_end_in_an_unnamed_attachment_closes_what_a_severity_in_brackets_opened() -> None:
    firing, over = (
        posted("", attachments=[{"title": f"[{word}] Quay is full", "color": colour}])
        for word, colour in (("CRITICAL", "danger"), ("RESOLVED", "good"))
    )
    assert (firing.status, over.status) == (FIRING, RESOLVED)
    assert firing.fingerprint == over.fingerprint
    assert over.service == ""


@pytest.mark.parametrize(
    "body",
    [
        {"severity": 0, "node": "quay-1", "message_key": "fan"},
        {"severity": "5", "node": "quay-1", "resolution_state": "Closing"},
        {"status": "alert canceled"},
    ],
)
def test_a_cleared_event_and_a_canceled_alert_are_over(body: dict[str, Any]) -> None:
    assert of_body(title="Fan stands still", **body).status is RESOLVED


def test_severity_0_of_any_other_body_and_a_canceled_run_fire() -> None:
    assert of_body(title="Kernel panic", severity=0, facility=1).status is FIRING
    assert of_body(title="Nightly", status="CANCELED").status is FIRING


def test_a_body_without_a_title_is_named_after_its_module_task_or_flow() -> None:
    down = of_body(module="tides", status="down", message="no answer")
    up = of_body(module="tides", status="up", message="answers in 12 ms")
    assert (down.name, down.title) == ("tides", "tides: no answer")
    assert (down.status, up.status) == (FIRING, RESOLVED)
    assert down.fingerprint == up.fingerprint
    assert of_body(flow="tides", state="CRASHED").title == "tides"
    assert of_body(flow="tides", state="SUCCESS").status is RESOLVED
    assert of_body(task="tides", level="critical").severity is Severity.CRITICAL


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ("Schwellwert: 5", "threshold"), ("Valeur actuelle: 5", "value"), ("阈值：5", "threshold"),
        ("現在値: 5", "value"), ("Standort: quay", "region"), ("Localização: quay", "region"),
        ("Regla: Tides", "alertname"), ("アラートルール: Tides", "alertname"),
    ],
)  # fmt: skip
def test_a_row_of_any_language_is_one_of_our_labels(row: str, name: str) -> None:
    lines = read_lines(row)
    assert name in {**lines.labels, **lines.annotations}


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ("[FIRING:1] Disk full (cart critical)", "[RESOLVED] Disk full (critical)"),
        ("[FIRING:2] Disk full (critical)", "[RESOLVED] Disk full (cart critical)"),
        ("[FIRING:1] Disk full (prod)", "[RESOLVED] Disk full (prod)"),
        ("[CRITICAL] Disk full (prod)", "[RESOLVED] Disk full (prod)"),
    ],
)
def test_an_unnamed_app_s_end_is_that_of_its_beginning_whatever_its_alerts_share(
    begins: str, ends: str
) -> None:
    begun, over = (
        posted("", attachments=[{"title": title, "text": "x"}]) for title in (begins, ends)
    )
    assert (begun.status, over.status) == (FIRING, RESOLVED)
    assert (begun.source, begun.fingerprint) == (over.source, over.fingerprint)
