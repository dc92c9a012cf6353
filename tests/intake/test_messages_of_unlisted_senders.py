"""Slack messages of templates and senders without a parser: headings, languages, and the end."""

from __future__ import annotations

import pytest

from bot.incidents.model import AlertStatus
from bot.intake.headline import read_headline
from bot.intake.lines import read_lines
from tests.helpers.unlisted_messages import GREEN, RED, alert_of, fold, posted

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED


def fields(**values: str) -> list[dict[str, str]]:
    return [{"title": name, "value": value} for name, value in values.items()]


@pytest.mark.parametrize(
    ("firing", "resolved", "name"),
    [
        ("[FIRING:1] :fire: BerthFull", "[RESOLVED] :lgtm: BerthFull", "BerthFull"),
        (":fire: [FIRING 2] BerthFull", ":tick: [RESOLVED] BerthFull", "BerthFull"),
        ("[FIRING: 1]\nBerthFull", "[ RESOLVED: 1]\nBerthFull", "BerthFull"),
        ("[FIRING: 1 RESOLVED: 2] BerthFull", "[RESOLVED: 3] BerthFull", "BerthFull"),
        (
            '[FIRING:1] Berth is full for (alertname="BerthFull", severity="high")',
            '[RESOLVED] Berth is full for (alertname="BerthFull", severity="high")',
            "BerthFull",
        ),
    ],
)
def test_the_name_stands_behind_a_bracket_however_a_template_writes_it(
    firing: str, resolved: str, name: str
) -> None:
    text = "*Description:* no berth is free"
    messages = posted(firing, text), posted(resolved, text, GREEN)
    alerts = [alert_of(message) for message in messages]
    assert [alert.status for alert in alerts] == [FIRING, RESOLVED]
    assert {alert.name for alert in alerts} == {name}
    assert fold(*messages) == (1, 0)


def test_labels_that_a_title_names_are_labels() -> None:
    alert = alert_of(posted('[FIRING:1] Slow for (service.name="berth-api", severity="critical")'))
    assert (alert.service, alert.severity, alert.title) == ("berth-api", "critical", "Slow")


@pytest.mark.parametrize(
    "heading",
    ["🚨 CRITICAL ALERT 🚨", "Database Alert", "[FIRING:1] Monitoring Event Notification", "Alert"],
)
@pytest.mark.parametrize("sender", ["Alertmanager", "shop-watch"])
def test_alerts_below_the_same_heading_are_not_one_alert(heading: str, sender: str) -> None:
    crane = posted(heading, "*CraneStuck*\ncrane 3 does not move", RED, sender)
    berth = posted(heading, "*BerthFull*\nno berth is free", RED, sender)
    over = posted(heading.replace("FIRING:1", "RESOLVED"), "*BerthFull*\nnone", GREEN, sender)
    assert alert_of(crane).title == "CraneStuck"
    assert fold(crane, berth, over) == (2, 1)


def test_a_severity_in_the_heading_is_that_of_the_alert() -> None:
    assert alert_of(posted("🚨 CRITICAL ALERT 🚨", "*CraneStuck*")).severity == "critical"
    assert alert_of(posted("🚨 CRITICAL ALERT 🚨", "*CraneStuck*", RED, "w")).severity == "critical"


@pytest.mark.parametrize("title", ["Database down", "Disk alert on db-1", "Backup failed"])
def test_a_title_that_says_what_happens_is_no_heading(title: str) -> None:
    assert alert_of(posted(title, "*BerthFull*", RED, "shop-watch")).title == title


@pytest.mark.parametrize(
    ("heading", "label"), [("Description", "Check"), ("Job Failed. :boom:", "Job")]
)
def test_below_a_heading_a_field_names_the_alert(heading: str, label: str) -> None:
    message = posted(heading, "output", RED, "runner")
    message["attachments"][0]["fields"] = fields(**{label: "load-crates", "Status": "Critical"})
    alert = alert_of(message)
    assert (alert.title, alert.severity) == ("load-crates", "critical")


def test_a_job_of_a_project_with_a_branch_is_a_step_and_no_service() -> None:
    message = posted("Job Failed", "", RED, "runner")
    message["attachments"][0]["fields"] = fields(Job="deploy", Project="quay", Branch="main")
    assert alert_of(message).service == "quay"


def test_a_sentence_behind_alert_is_what_it_says_and_not_its_name() -> None:
    text = "*Alert:* No berth is free - `critical`\n*Started:* 2026-11-22 10:01:00 UTC"
    alert = alert_of(posted("[FIRING:1] BerthFull", text))
    assert (alert.name, alert.title) == ("BerthFull", "No berth is free")
    assert alert.severity == "critical"
    assert str(alert.starts_at) == "2026-11-22 10:01:00+00:00"


@pytest.mark.parametrize(
    "text",
    [
        "*Severidade:* Crítica\n*Serviço:* berth-api\n*Ambiente:* production",
        "*Gravedad:* Crítico\n*Servicio:* berth-api\n*Entorno:* production",
        "*Gravité :* Critique\n*Service :* berth-api\n*Environnement :* production",
        "*Schweregrad:* Kritisch\n*Dienst:* berth-api\n*Umgebung:* production",
        "*Gravità:* Critico\n*Servizio:* berth-api\n*Ambiente:* production",
        "重要度: 緊急\nサービス: berth-api\n環境: production",
        "告警级别：严重\n服务：berth-api\n环境：production",
    ],
)
@pytest.mark.parametrize("sender", ["Alertmanager", "watch"])
def test_labels_are_read_in_the_language_of_the_template(text: str, sender: str) -> None:
    alert = alert_of(posted("BerthFull", text, RED, sender))
    assert (alert.severity, alert.service, alert.env) == ("critical", "berth-api", "prod")


def test_the_sender_s_own_name_of_a_label_stays_beside_ours() -> None:
    labels = read_lines("*Serviço:* berth-api").labels
    assert labels == {"serviço": "berth-api", "service": "berth-api"}


@pytest.mark.parametrize(
    ("firing", "resolved", "subject"),
    [
        ("Alert for device quay - Link flaps", "Device quay recovered from link flaps", "quay"),
        ("Orders: too few just triggered", "Orders: too few went back to normal", "too few"),
        ("*berth-api* is not meeting its SLOs", "*berth-api* incident resolved", "berth-api"),
        ("*Does not exist* for *nginx* at web", "*Exists* for *nginx* at web", "nginx"),
        ("Quay is not reachable!", "Quay is reachable again!", "Quay"),
        ("Quay is dead :boom:", "Quay is fine :heart:", "Quay"),
        ("Échec du déploiement : quay", "Déploiement réussi : quay", "quay"),
        (
            "Monitor is DOWN: Quay ( https://q.example ) - Reason: timeout",
            "Monitor is UP: Quay ( https://q.example ). It was down for 12 minutes",
            "Quay",
        ),
    ],
)
def test_trouble_and_its_end_in_other_words_are_about_the_same(
    firing: str, resolved: str, subject: str
) -> None:
    begun, over = read_headline(firing), read_headline(resolved)
    assert (begun.state in (FIRING, None), over.state) == (True, RESOLVED)
    assert begun.subject.lower() == over.subject.lower()
    assert subject in over.subject


@pytest.mark.parametrize("sender", ["Alertmanager", "watch"])
def test_the_word_alert_before_a_title_does_not_outweigh_the_colour(sender: str) -> None:
    messages = (
        posted("🔥 Alert: BerthFull", "", RED, sender),
        posted("🔥 Alert: BerthFull", "", GREEN, sender),
    )
    assert [alert_of(message).status for message in messages] == [FIRING, RESOLVED]
    assert fold(*messages) == (1, 0)


def test_below_the_name_of_a_host_alone_stands_what_happens_on_it() -> None:
    crane = posted("quay.example", "Crane 3 does not move")
    berth = posted("quay.example", "No berth is free")
    over = posted("quay.example", "[RESOLVED] No berth is free", GREEN)
    assert alert_of(over).title == "No berth is free"
    assert fold(crane, berth, over) == (2, 1)


def test_a_template_that_frames_its_heading_is_read_by_its_labels() -> None:
    text = "===== {} =====\n告警类型：磁盘满\n告警级别：严重\n告警应用: berth-api"
    messages = [
        {"bot_id": "B0ANY", "username": "机器人", "text": text.format(heading)}
        for heading in ("监控报警", "告警恢复")
    ]
    alerts = [alert_of(message) for message in messages]
    assert [alert.status for alert in alerts] == [FIRING, RESOLVED]
    assert {(alert.title, alert.service, alert.severity) for alert in alerts} == {
        ("磁盘满", "berth-api", "critical")
    }
    assert fold(*messages) == (1, 0)


@pytest.mark.parametrize(
    ("emoji", "status", "severity"),
    [
        ("exclamation", FIRING, "critical"),
        ("warning", FIRING, "medium"),
        ("white_check_mark", RESOLVED, "medium"),
    ],
)
def test_a_line_of_nagios_with_an_emoji_for_its_state_is_read_as_nagios(
    emoji: str, status: AlertStatus, severity: str
) -> None:
    text = f":{emoji}:  HOST: berth-3   SERVICE: Disk root     MESSAGE: 85 % used"
    alert = alert_of({"bot_id": "B0ANY", "username": "nagios", "text": text})
    assert (alert.status, alert.service, alert.labels["check"]) == (status, "berth-3", "Disk root")
    assert status is RESOLVED or alert.severity == severity


def test_a_label_that_ends_in_severity_is_the_severity() -> None:
    alert = alert_of(posted("Crane stuck", "Trigger severity: High", RED, "watch"))
    assert alert.severity == "high"


@pytest.mark.parametrize(
    ("firing", "resolved", "title"),
    [
        ("Crate sync failed :x:", "Crate sync recovered :tada:", "Crate sync failed"),
        ("Berth job failed :boom: :x:", "Berth job recovered :heart:", "Berth job failed"),
    ],
)
def test_an_emoji_behind_a_title_is_no_title(firing: str, resolved: str, title: str) -> None:
    messages = posted(firing, "", RED, "watch"), posted(resolved, "", GREEN, "watch")
    assert alert_of(messages[0]).title == title
    assert fold(*messages) == (1, 0)


def test_an_emoji_behind_a_title_alone_ends_nothing() -> None:
    assert read_headline("Crate sync :white_check_mark:").state is None


@pytest.mark.parametrize("mark", ["■ ", "◆", "▪ ", "● ", "▶ ", "・", "– ", "* "])
def test_a_mark_before_a_row_is_no_part_of_its_name(mark: str) -> None:
    assert read_lines(f"{mark}Service: berth-api").labels == {"service": "berth-api"}


@pytest.mark.parametrize(
    ("row", "ours"),
    [
        ("Sévérité : critique", "severity"),
        ("Gravita: alta", "severity"),
        ("Servico: berth-api", "service"),
        ("Hote : quay-1", "host"),
        ("Regiao: sul", "region"),
        ("Situacao: aberto", "status"),
    ],
)
def test_a_name_without_its_accents_is_the_same_name(row: str, ours: str) -> None:
    assert ours in read_lines(row).labels
