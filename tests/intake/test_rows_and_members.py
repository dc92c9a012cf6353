"""Slack messages that consist of rows (`Server: berth-3`) or list the members of a group."""

from __future__ import annotations

import pytest

from bot.incidents.model import AlertStatus
from bot.intake import parse_message
from bot.intake.headline import read_headline
from bot.intake.lines import read_lines
from bot.intake.members import counts_both, part_that_fires
from tests.helpers.unlisted_messages import GREEN, RED, Message, alert_of, fold, posted

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED


def plain_message(text: str, sender: str = "watch") -> Message:
    return {"bot_id": "B0ANY", "username": sender, "text": text}


def member(service: str, severity: str) -> str:
    return (
        f"• *Alert:* BerthSlow\n  *Severity:* {severity}\n  *Service:* {service}\n"
        f"  *Summary:* {service} answers late"
    )


QUAY, CRANE = member("quay-api", "warning"), member("crane-api", "critical")


@pytest.mark.parametrize("sender", ["Alertmanager", "watch"])
def test_a_group_is_as_severe_as_its_most_severe_member(sender: str) -> None:
    text = f"*Alerts Firing:*\n{QUAY}\n{CRANE}"
    alert = alert_of(posted("[FIRING:2] BerthSlow", text, RED, sender))
    assert (alert.severity, alert.service, alert.name) == ("critical", "", "BerthSlow")
    assert alert.title == "BerthSlow"  # and not what is said of one member


@pytest.mark.parametrize("title", ["[FIRING:1, RESOLVED:1] BerthSlow", "BerthSlow"])
@pytest.mark.parametrize("sender", ["Alertmanager", "watch"])
def test_of_a_mixed_group_only_the_members_that_fire_are_read(title: str, sender: str) -> None:
    text = f"*Firing Alerts:*\n{QUAY}\n*Resolved Alerts:*\n{CRANE}"
    alert = alert_of(posted(title, text, GREEN, sender))
    assert (alert.status, alert.severity, alert.service) == (FIRING, "medium", "quay-api")


def test_a_title_that_counts_both_kinds_of_members_fires() -> None:
    assert read_headline("[CRITICAL - 1] [RESOLVED - 2] Berth is full").state is FIRING
    assert counts_both("2 firing, 1 resolved: BerthFull")
    assert not counts_both("[RESOLVED] 2 berths are full")
    assert not counts_both("RESOLVED: error rate is high: 5 %")


def test_a_section_without_members_is_no_section() -> None:
    text = "*Firing: 0*\n*Resolved: 2*\nquay-api"
    assert part_that_fires(text) == (text, False)


@pytest.mark.parametrize("line", ["Status: RESOLVED", "*Resolved:* by the crane", "resolved it"])
def test_a_row_or_a_sentence_begins_no_section(line: str) -> None:
    text = f"*Firing*\nquay-api\n{line}\ncrane-api"
    assert part_that_fires(text) == (text, False)


def test_the_number_of_members_before_the_state_is_no_part_of_the_name() -> None:
    assert read_headline("BerthFull:2 firing").subject == "BerthFull"
    assert read_headline("Berth 2 firing").subject == "Berth 2"


def test_several_severities_count_as_the_most_severe_one() -> None:
    lines = read_lines("severity: warning\nseverity: critical\nseverity: info\nhost: a\nhost: b")
    assert lines.labels == {"severity": "critical"}
    assert lines.differing == {"severity", "host"}


@pytest.mark.parametrize(
    "text",
    [
        "🚨 *SERVER ALERT* 🚨\n*Server:* berth-3\n*Message:* The dump failed\n*Time:* 10:01",
        "Host: berth-3\nSeverity: high\nError: The dump failed",
        "Servidor: berth-3\nGravedad: alta\nMensaje: The dump failed",
        "ホスト: berth-3\n重要度: 高\n内容: The dump failed",
        "*级别状态*: S1 Triggered\n*主机*: berth-3\n*规则标题*: The dump failed",
    ],
)
def test_of_rows_the_one_that_says_what_happened_is_the_title(text: str) -> None:
    alert = alert_of(plain_message(text))
    assert (alert.title, alert.service) == ("The dump failed", "berth-3")


def test_a_row_whose_value_says_a_state_is_a_title() -> None:
    assert (
        alert_of(plain_message("Host: berth-3 is DOWN\nSince: 10:01")).title
        == "Host: berth-3 is DOWN"
    )


def test_a_message_of_rows_ends_by_the_state_in_a_row() -> None:
    text = '*级别状态*: S2 {}\n*规则标题*: 泊位已满\n*监控指标*: ["service=berth-api","env=prod"]'
    messages = plain_message(text.format("Triggered")), plain_message(text.format("Recovered"))
    alert = alert_of(messages[0])
    assert (alert.title, alert.severity) == ("泊位已满", "high")
    assert (alert.service, alert.env) == ("berth-api", "prod")
    assert fold(*messages) == (1, 0)


@pytest.mark.parametrize(
    "word",
    ["Produktion", "produção", "producción", "produzione", "本番", "生产环境", "PRODUCTION"],
)
def test_production_is_prod_in_every_language(word: str) -> None:
    assert alert_of(plain_message(f"Berth is full\nEnvironment: {word}")).env == "prod"


@pytest.mark.parametrize(
    ("title", "env"),
    [
        ("[PROD] Berth is full", "prod"),
        ("Berth is full (staging)", "staging"),
        ("PROD: berth is full", "prod"),
        ("quay-prod berth is full", "prod"),
        ("[PROD] copy of (staging)", ""),
        ("Staging area is full", ""),
        ("Production is slow", ""),
    ],
)
def test_an_environment_that_a_title_marks_is_a_guess(title: str, env: str) -> None:
    alert = alert_of(plain_message(title))
    assert alert.env == env
    assert not env or alert.read_from["env"] == "guess"


def test_an_update_of_a_problem_by_a_person_is_no_alert() -> None:
    reading = parse_message(plain_message("Ana Lima acknowledged problem at 09:12.\nI will look"))
    assert not reading.alerts
    assert reading.activities[0].actor == "Ana Lima"
    assert parse_message(plain_message("Disk closed the incident of the port")).alerts


def test_a_run_of_a_repository_is_about_the_repository() -> None:
    message = posted("Run failed", "", RED, "runner")
    message["attachments"][0]["fields"] = [
        {"title": "repo", "value": "port/quay"},
        {"title": "workflow", "value": "ship"},
        {"title": "job", "value": "build"},
    ]
    assert alert_of(message).service == "quay"


def test_news_of_a_recovery_is_a_heading() -> None:
    text = "{}\n*告警名称*: 泊位已满\n*告警级别*: critical"
    messages = (
        posted("", text.format("告警信息"), RED),
        posted("", text.format("恢复信息"), GREEN),
    )
    assert {alert_of(message).title for message in messages} == {"泊位已满"}
    assert fold(*messages) == (1, 0)


@pytest.mark.parametrize(
    ("firing", "resolved", "subject"),
    [
        ("🔥 Firing • High • BerthFull", "✅ Resolved • High • BerthFull", "BerthFull"),
        ("*Alerte : quai plein*", "*Fin d\u2019alerte : quai plein*", "quai plein"),
        (
            "Job *tides* (application_17_0042) finished with status FAILED on quay-1",
            "Job *tides* (application_18_0043) finished with status SUCCEEDED on quay-1",
            "tides",
        ),
        ("[Quay API] [🔴 Down] timeout of 48 s exceeded", "[Quay API] [✅ Up] 200 - OK", "Quay"),
    ],
)
def test_marks_runs_and_results_are_no_part_of_what_a_title_is_about(
    firing: str, resolved: str, subject: str
) -> None:
    begun, over = read_headline(firing), read_headline(resolved)
    assert (begun.state, over.state) == (FIRING, RESOLVED)
    assert begun.subject == over.subject
    assert subject in over.subject


def test_a_place_in_brackets_before_the_state_is_not_all_of_the_title() -> None:
    assert read_headline("[EU-1] [RESOLVED] Berth is full").subject == "EU-1 Berth is full"


def test_a_state_before_a_colon_is_no_label() -> None:
    messages = posted("ALARM: quay-full", "", RED, "w"), posted("OK: quay-full", "", GREEN, "w")
    assert "ok" not in alert_of(messages[1]).labels
    assert fold(*messages) == (1, 0)


def test_of_a_change_in_a_state_field_the_new_state_counts() -> None:
    message = posted("quay - Berth is full", "", RED, "w")
    message["attachments"][0]["fields"] = [{"title": "State", "value": "OK -> ALARM"}]
    assert alert_of(message).status is FIRING
    message["attachments"][0]["fields"] = [{"title": "State", "value": "OK → CRIT"}]
    assert (alert_of(message).status, alert_of(message).severity) == (FIRING, "critical")
    message["attachments"][0]["fields"] = [{"title": "State", "value": "CRIT → OK"}]
    assert alert_of(message).status is RESOLVED


@pytest.mark.parametrize("mark", ["|", "•", "·"])
def test_a_line_may_hold_several_rows(mark: str) -> None:
    text = f"Berth is full\nServicio: quay-api {mark} Entorno: producción {mark} Severidad: alta"
    alert = alert_of(plain_message(text))
    assert (alert.service, alert.env, alert.severity) == ("quay-api", "prod", "high")
    assert read_lines(f"output: a {mark} b").labels == {"output": f"a {mark} b"}


def test_green_alone_is_no_end_of_the_lowest_severity() -> None:
    message = posted("New crane on the quay", "", GREEN, "w")
    message["attachments"][0]["fields"] = [{"title": "Severity", "value": "INFO"}]
    assert alert_of(message).status is FIRING
    message["attachments"][0]["fields"][0]["value"] = "high"
    assert alert_of(message).status is RESOLVED


@pytest.mark.parametrize(
    "text",
    [
        "*Ana Lima* acknowledged *Berth is full*",
        "<@U0ANA> snoozed Berth is full for 2h",
        'Ana silenced "Berth is full"',
    ],
)
def test_what_a_person_does_to_a_marked_title_is_no_alert(text: str) -> None:
    reading = parse_message(plain_message(text))
    assert not reading.alerts
    alert = alert_of(plain_message(":fire: Berth is full"))
    assert reading.activities[0].fingerprint == alert.fingerprint


@pytest.mark.parametrize("text", ["Quay assigned *no berth*", "Build closed *3 gates* at once"])
def test_a_thing_that_does_something_is_an_alert(text: str) -> None:
    reading = parse_message(plain_message(text.replace("Quay", "Job")))
    assert reading.alerts


def test_plain_text_ends_what_another_bracket_began() -> None:
    messages = (
        plain_message("[P1-CRITICAL] Berth is full"),
        plain_message("[RESOLVED] Berth is full"),
    )
    assert [alert_of(message).source for message in messages] == ["generic", "generic"]
    assert fold(*messages) == (1, 0)


def test_a_number_alone_is_what_a_title_is_about() -> None:
    messages = plain_message("Incident #42 detected"), plain_message("Incident #42 resolved")
    assert fold(*messages) == (1, 0)
    assert fold(messages[0], plain_message("Incident #43 resolved")) == (1, 1)


def test_two_domains_below_the_same_title_are_two_alerts() -> None:
    message = plain_message("Certificate ends soon\nDomain: quay.example")
    other = plain_message("Certificate ends soon\nDomain: berth.example")
    assert fold(message, other) == (2, 2)
