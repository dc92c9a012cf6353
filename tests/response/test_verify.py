"""Only a probe, or the alert that clears, makes a remediation verified."""

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web

from bot.approvals.model import Execution, VerifyingAlert
from bot.incidents.model import Incident, IncidentStatus, Resolution, Severity
from bot.incidents.remediation import RemediationStatus
from bot.response.verify import http_probe, verdict

NOW = datetime(2026, 11, 21, 3, 4, tzinfo=UTC)


def execution(**changes):
    fields = {
        "id": "exec-1",
        "approval_id": "a",
        "incident_id": 1,
        "state": RemediationStatus.SUCCEEDED,
        "owner": "me",
        "created_at": NOW,
        "started_at": NOW,
        "finished_at": NOW,
        "answer": {"exit_code": 0},
        "error": "",
        "verify_until": NOW + timedelta(minutes=5),
        "verify_note": "",
    }
    return Execution(**{**fields, **changes})


def incident(status=IncidentStatus.OPEN, resolved_by="", resolved_at=None):
    resolution = None
    if status is IncidentStatus.RESOLVED:
        resolved_at = resolved_at or NOW + timedelta(seconds=9)
        resolution = Resolution.PERSON if resolved_by else Resolution.CLEARED
    return Incident(
        id=1,
        incident_key="k",
        sop_id="s",
        status=status,
        severity=Severity.HIGH,
        title="t",
        env="",
        region="",
        service="",
        category="",
        channel="C",
        source="x",
        alert_count=1,
        firing=1,
        value="",
        threshold="",
        text="",
        labels={},
        links=(),
        tracking_id="req",
        opened_at=NOW,
        updated_at=NOW,
        acknowledged_at=None,
        acknowledged_by="",
        resolved_at=resolved_at,
        resolved_by=resolved_by,
        fixed_by="",
        resolution=resolution,
    )


def judged(run, about, good=0, now=NOW, alerts=()):
    result = verdict(run, about, alerts, good_in_a_row=good, needed=2, now=now)
    return result[0] if result else None


def test_an_exit_code_of_zero_alone_verifies_nothing():
    assert judged(execution(), incident()) is None


def test_enough_good_probes_in_a_row_verify():
    run = execution(verify_note="the health check answers 200")
    assert judged(run, incident(), good=1) is None
    assert judged(run, incident(), good=2) is RemediationStatus.VERIFIED


def test_without_a_probe_the_alert_that_clears_verifies():
    assert judged(execution(), incident(IncidentStatus.RESOLVED)) is RemediationStatus.VERIFIED


@pytest.mark.parametrize("good", [0, 2], ids=["no probe", "a good probe"])
@pytest.mark.parametrize("by", ["", "U0ANA"], ids=["the alert cleared", "a person resolved it"])
def test_what_was_sent_after_the_incident_resolved_is_not_what_helped(by, good):
    before = incident(IncidentStatus.RESOLVED, by, resolved_at=NOW - timedelta(seconds=1))
    result = verdict(execution(), before, (), good_in_a_row=good, needed=2, now=NOW)
    assert result == (RemediationStatus.SUCCEEDED, "the incident had resolved before it was sent")


def test_what_was_taken_over_was_sent_before_it_ended():
    ended = NOW + timedelta(seconds=5)
    run = execution(started_at=NOW + timedelta(seconds=60), finished_at=ended)
    assert judged(run, incident(IncidentStatus.RESOLVED)) is RemediationStatus.VERIFIED


def test_a_person_who_closes_the_incident_verifies_nothing():
    by_hand = incident(IncidentStatus.RESOLVED, resolved_by="U0ANA00001")
    assert judged(execution(), by_hand) is None


def test_a_cleared_alert_does_not_stand_in_for_a_probe_that_fails():
    run = execution(verify_note="the health check answers 503")
    assert judged(run, incident(IncidentStatus.RESOLVED)) is None


def test_when_a_person_closed_the_incident_nobody_can_tell_and_that_is_said():
    closed = incident(IncidentStatus.RESOLVED, resolved_by="U0ANA")
    late = NOW + timedelta(minutes=5)
    result = verdict(execution(), closed, (), good_in_a_row=0, needed=2, now=late)
    why = "a person resolved the incident before the alert cleared"
    assert result == (RemediationStatus.SUCCEEDED, why)
    probed = execution(verify_note="the health check answers 503")
    result = verdict(probed, closed, (), good_in_a_row=0, needed=2, now=late)
    assert result == (RemediationStatus.NOT_VERIFIED, "the health check answers 503")


def test_after_the_deadline_it_is_called_not_verified():
    late = NOW + timedelta(minutes=5)
    assert judged(execution(), incident(), now=late) is RemediationStatus.NOT_VERIFIED


MONITOR, OTHER = "slack:B0MONITOR", "slack:B0OTHER"


@pytest.mark.parametrize(
    ("senders", "before", "late"),
    [
        ([(MONITOR, True)], "verified", "verified"),
        ([(MONITOR, True), (OTHER, True)], "verified", "verified"),
        ([(MONITOR, True), (MONITOR, False)], None, "not verified"),
        ([(MONITOR, True), (OTHER, False)], None, "succeeded"),
        ([(MONITOR, False), (OTHER, False)], None, "not verified"),
        ([], None, "not verified"),
    ],
)
def test_the_alerts_that_fired_when_it_was_sent_decide(senders, before, late):
    alerts = [VerifyingAlert(sender, cleared=cleared) for sender, cleared in senders]
    assert judged(execution(), incident(), alerts=alerts) == before
    assert judged(execution(), incident(), alerts=alerts, now=NOW + timedelta(hours=1)) == late


def test_alerts_that_cleared_do_not_stand_in_for_a_probe_that_fails():
    run = execution(verify_note="the health check answers 503")
    assert judged(run, incident(), alerts=[VerifyingAlert(MONITOR, cleared=True)]) is None


@pytest.fixture
async def patient():
    answers = []

    async def healthz(_request):
        status = answers.pop(0)
        headers = {"Location": "/elsewhere"} if status == 302 else {}
        return web.Response(status=status, headers=headers)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        yield answers, http_probe(session), f"http://127.0.0.1:{runner.addresses[0][1]}/healthz"
    await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "good"), [(200, True), (204, True), (302, False), (404, False), (503, False)]
)
async def test_only_a_2xx_is_a_good_probe(patient, status, good):
    answers, probe, url = patient
    answers.append(status)
    probed = await probe(url)
    assert probed.good is good
    assert str(status) in probed.note


async def test_a_service_that_is_down_is_a_bad_probe(patient):
    _, probe, _ = patient
    probed = await probe("http://127.0.0.1:9/healthz")
    assert not probed.good
    assert "cannot be reached" in probed.note
