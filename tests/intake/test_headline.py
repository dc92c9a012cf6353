"""A title is taken apart: the state and the severity leave it, and what is left identifies it."""

from __future__ import annotations

import pytest

from bot.incidents.model import AlertStatus
from bot.intake.colours import colour_state
from bot.intake.headline import read_headline
from bot.intake.states import state_of

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED


@pytest.mark.parametrize(
    ("firing", "resolved", "subject"),
    [
        ("FIRING: Queue is stuck", "RESOLVED: Queue is stuck", "Queue is stuck"),
        ("*Firing*: Queue is stuck", "*Resolved*: Queue is stuck", "Queue is stuck"),
        ("`FIRING` | Queue is stuck", "_Resolved_ - Queue is stuck", "Queue is stuck"),
        ("Queue watch is firing", "Queue watch has recovered", "Queue watch"),
        ("Queue watch - FIRING", "Queue watch - OK", "Queue watch"),
        ("🔥 Firing: Queue watch", "✅ Resolved: Queue watch", "Queue watch"),
        ("Problem: Disk of db-a", "OK: Disk of db-a", "Disk of db-a"),
        ("Problem in 2m: Load on web", "Resolved in 5m 3s: Load on web", "Load on web"),
        ("[FIRING:1] [P1] Load on web", "[RESOLVED] Load on web", "Load on web"),
        ("web/HTTP is CRITICAL: timeout", "RECOVERY: web/HTTP is OK: 12 ms", "web/HTTP"),
        ("** PROBLEM Service Alert: web is DOWN **", "RECOVERY: web is UP", "web"),
        (
            "pump watch changed from OK to ALARM",
            "pump watch changed from ALARM to OK",
            "pump watch",
        ),
        ("Alert for pump watch triggered: 3 checks", "Alert for pump watch resolved", "pump watch"),
        ("Alert triggered: pump", "Alert cleared: pump", "pump"),
        ("Störung: Pumpe leckt", "Störung behoben: Pumpe leckt", "Pumpe leckt"),
        ("Alerte : Pompe arrêtée", "Résolu : Pompe arrêtée", "Pompe arrêtée"),
        ("Alerta: Bomba parada", "Resuelto: Bomba parada", "Bomba parada"),
        ("Alerta: Fila parada", "Resolvido: Fila parada", "Fila parada"),
        ("Allarme: Pompa ferma", "Risolto: Pompa ferma", "Pompa ferma"),
        ("決済APIで障害が発生しました", "決済APIが復旧しました", "決済API"),
        ("Pump 3 STATE: CRITICAL - 95% used", "Pump 3 STATE: OK - 40% used", "Pump 3"),
        ("Triggered #44: Pump 3", "Resolved #44: Pump 3 by Ana Lima", "Pump 3"),
        ("Incident started: Pump 3", "Incident automatically resolved: Pump 3", "Pump 3"),
        ("*Problem*: Pump 3", "*Resolved*: Pump 3", "Pump 3"),
        (
            ":red_circle: Monitor is DOWN: shop - Reason: timeout",
            ":large_green_circle: Monitor is UP: shop - It was down for 5 minutes",
            "shop",
        ),
        (
            "Pipeline #1 of shop failed in 02:03",
            "Pipeline #1 of shop passed in 02:01",
            "Pipeline #1 of shop",
        ),
        ("【告警】订单服务", "【恢复】订单服务", "订单服务"),
    ],
)
def test_trouble_and_its_end_have_the_same_subject(
    firing: str, resolved: str, subject: str
) -> None:
    begun, over = read_headline(firing), read_headline(resolved)
    assert (begun.state, over.state) == (FIRING, RESOLVED)
    assert (begun.subject, over.subject) == (subject, subject)


@pytest.mark.parametrize(
    "title",
    [
        "Sign up",
        "Login and sign up",
        "Revenue is up 40 %",
        "p99 of cart is over 2 s",
        "Certificate expired",
        "Disk is not resolved",
        "Latency above normal",
    ],
)
def test_a_word_inside_a_name_ends_no_alert(title: str) -> None:
    assert read_headline(title).state is not RESOLVED


@pytest.mark.parametrize(
    ("title", "severity"),
    [
        ("[P1] Payments fail", "P1"),
        ("[SEV-2] Payments fail", "SEV2"),
        ("P0 - Checkout broken", "P0"),
        (":octagonal_sign: ERROR: Queue", "ERROR"),
        ("CRITICAL - disk full", "CRITICAL"),
        ("web/HTTP is WARNING: slow", "WARNING"),
    ],
)
def test_a_severity_before_or_behind_a_title_is_read_and_leaves_the_subject(
    title: str, severity: str
) -> None:
    headline = read_headline(title)
    assert headline.severity == severity
    assert severity not in headline.subject


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (":fire: Firing", FIRING),
        (":green_tick: Resolved", RESOLVED),
        ("[FIRING:2]", FIRING),
        ("Recovered on {host:a}", RESOLVED),
        ("UP (HTTP 200)", RESOLVED),
        ("INSUFFICIENT_DATA", FIRING),
        ("retour à la normale", RESOLVED),
        ("wieder normal", RESOLVED),
        ("已恢复", RESOLVED),
        ("not OK", None),
        ("banana", None),
    ],
)
def test_a_state_field_is_understood_with_all_that_stands_around_its_word(
    word: str, state: AlertStatus | None
) -> None:
    assert state_of(word) is state


@pytest.mark.parametrize(
    ("colour", "state"),
    [
        ("danger", FIRING),
        ("#a30200", FIRING),
        ("AA3311", FIRING),
        ("good", RESOLVED),
        ("36A64F", RESOLVED),
        ("#3aa655", RESOLVED),
        ("dddddd", None),
        ("439fe0", None),
        ("", None),
    ],
)
def test_a_colour_says_a_state_whoever_mixed_it(colour: str, state: AlertStatus | None) -> None:
    assert colour_state(colour) is state
