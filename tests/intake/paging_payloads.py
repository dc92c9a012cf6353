"""Builds what apps that page people post in Slack: trouble, reminder, higher severity, end.

Each builder takes (subject, number, is_severe, is_over), as in `cloud_payloads`. Grafana OnCall's
form is that of its open source; the others are written from their apps' messages.
"""

from __future__ import annotations

from typing import Any

from tests.intake.cloud_payloads import Builder

JSON = dict[str, Any]


def posted(app: str, *attachments: JSON, text: str = "") -> JSON:
    """Return a message of an app."""
    return {
        "type": "message",
        "subtype": "bot_message",
        "bot_id": "B0PAGING",
        "username": app,
        "text": text,
        "attachments": list(attachments),
    }


def section(text: str) -> JSON:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def fields(**values: str) -> JSON:
    """Return a section of fields: `*Name:*`, and the value on the next line."""
    texts = [f"*{name.replace('_', ' ').capitalize()}:*\n{text}" for name, text in values.items()]
    return {"type": "section", "fields": [{"type": "mrkdwn", "text": text} for text in texts]}


def incident_of(subject: str) -> str:
    return f"Q{sum(map(ord, subject)):05}"


def pagerduty(subject: str, number: int, is_severe: bool, is_over: bool) -> JSON:
    state = "Resolved" if is_over else "Triggered"
    address = f"https://acme.pagerduty.com/incidents/{incident_of(subject)}"
    title = f"{subject}: {number} % of requests failed"
    return posted(
        "PagerDuty",
        {
            "color": "#28a745" if is_over else "#c9282d",
            "fallback": f"{state} #4321: {title}",
            "blocks": [
                section(f"*{state} <{address}|#4321: {title}>*"),
                fields(
                    assigned="<https://acme.pagerduty.com/users/P1|Ana Lima>",
                    service=f"<https://acme.pagerduty.com/services/S1|{subject}>",
                    urgency="High" if is_severe else "Low",
                ),
            ],
        },
    )


def pagerduty_classic(subject: str, number: int, is_severe: bool, is_over: bool) -> JSON:
    state = "Resolved" if is_over else "Triggered"
    address = f"https://acme.pagerduty.com/incidents/{incident_of(subject)}"
    link = f"<{address}|#4321> (<https://acme.pagerduty.com/services/S1|{subject}>)"
    by = " by Ana Lima" if is_over else ""
    return posted(
        "PagerDuty",
        {
            "color": "good" if is_over else "danger",
            "title": "Incident #4321",
            "title_link": address,
            "text": f"*{state}* {link}: {number} % of requests failed{by}",
            "fallback": f"{state} #4321 ({subject}): {number} % of requests failed",
            "fields": [{"title": "Urgency", "value": "High" if is_severe else "Low"}],
        },
    )


def opsgenie(subject: str, number: int, is_severe: bool, is_over: bool) -> JSON:
    address = f"https://acme.app.opsgenie.com/alert/detail/{incident_of(subject)}-1/details"
    link = f"<{address}|#12>"
    return posted(
        "Opsgenie",
        {
            "color": "good" if is_over else "danger",
            "pretext": f"Alert {link} is closed by Ana Lima" if is_over else f"New alert: {link}",
            "title": f"{subject}: requests fail",
            "title_link": address,
            "text": f"{number} % of requests failed",
            "fallback": f"#12: {subject}: requests fail",
            "fields": [
                {"title": "Priority", "value": "P1" if is_severe else "P3", "short": True},
                {"title": "Tags", "value": f"prod, service:{subject}", "short": True},
                {"title": "Routed Teams", "value": "shop", "short": True},
            ],
        },
    )


def opsgenie_text(subject: str, number: int, is_severe: bool, is_over: bool) -> JSON:
    number_here = sum(map(ord, subject))
    quoted = f'#{number_here} "{subject}: requests fail"'
    text = f"Ana Lima closed alert {quoted}" if is_over else f"{quoted} created via Datadog"
    return posted("Opsgenie", text=text)


def newrelic(subject: str, number: int, is_severe: bool, is_over: bool) -> JSON:
    priority = "Critical" if is_severe else "Medium"
    address = f"https://radar-api.service.newrelic.com/accounts/1/issues/{incident_of(subject)}-a"
    state = "closed" if is_over else "activated"
    mark = "🟢" if is_over else "🔴"
    return posted(
        "New Relic",
        {
            "color": "#2eb67d" if is_over else "#d92b2b",
            "blocks": [
                {
                    "type": "header",
                    "text": {
                        "type": "plain_text",
                        "text": f"{mark} {priority} priority issue is {state}",
                    },
                },
                section(
                    f"*<{address}?notifier=SLACK|{subject} query result is &gt; {number} on 'High"
                    " error rate'>*"
                ),
                fields(policy="Shop", impacted_entities=subject, workflow_name="shop"),
            ],
        },
    )


def pingdom(subject: str, number: int, is_severe: bool, is_over: bool) -> JSON:
    state = "UP" if is_over else "DOWN"
    more = f"after {number}m of downtime" if is_over else f"since 10:0{number}. Reason: HTTP 503"
    return posted(
        "Pingdom",
        {
            "color": "good" if is_over else "danger",
            "title": f"{subject} is {state}",
            "text": f"{subject} is {state}, {more}",
            "fallback": f"{subject} is {state}",
        },
    )


def pingdom_text(subject: str, number: int, is_severe: bool, is_over: bool) -> JSON:
    change = "is back up" if is_over else "has gone down"
    text = f"*Incident #12345678{number}*\n{subject} (shop.example) {change}.\nHTTP 503"
    return posted("Pingdom", text=text)


def statuspage(subject: str, number: int, is_severe: bool, is_over: bool) -> JSON:
    state = "Resolved" if is_over else ("Identified" if number > 1 else "Investigating")
    return posted(
        "Statuspage",
        {
            "color": "#2fcc66" if is_over else "#e67e22",
            "title": f"Errors at {subject}",
            "title_link": f"https://status.example/incidents/{incident_of(subject).lower()}",
            "text": f"Update {number}: we look into the errors; maintenance is not the reason.",
            "fallback": f"Errors at {subject}",
            "fields": [
                {"title": "Status", "value": state, "short": True},
                {"title": "Impact", "value": "Critical" if is_severe else "Minor", "short": True},
                {"title": "Components", "value": subject, "short": True},
            ],
        },
    )


def betterstack(subject: str, number: int, is_severe: bool, is_over: bool) -> JSON:
    head = f"Automatically resolved {subject} incident" if is_over else f"New incident: {subject}"
    number_here = sum(map(ord, subject))
    address = f"https://uptime.betterstack.com/team/1/incidents/{number_here}"
    return posted(
        "Better Stack",
        {
            "color": "#00ff00" if is_over else "#ff0000",
            "blocks": [
                section(f"*<{address}|{head}>*"),
                fields(monitor=subject, cause=f"Status 50{number}"),
            ],
        },
    )


def oncall(subject: str, number: int, is_severe: bool, is_over: bool) -> JSON:
    color = "#2eb886" if is_over else "#a30200"
    address = f"https://oncall.example/a/grafana-oncall-app/alert-groups/{incident_of(subject)}"
    parts = [
        {
            "color": color,
            "blocks": [
                section(f"*<{address}|#42 Requests of {subject} fail>* via Alertmanager"),
                section(
                    f"*Status*: firing\n*CommonLabels*:\n- service: {subject}\n"
                    f"- severity: {'critical' if is_severe else 'warning'}\n- value: {number}"
                ),
            ],
        }
    ]
    if is_over:
        parts.append(
            {"color": color, "fallback": "Resolved...", "text": "Resolved by alert source"}
        )
    return posted("Grafana OnCall", *parts)


FORMS: dict[str, tuple[str, str, Builder]] = {
    "pagerduty slack": ("slack", "pagerduty", pagerduty),
    "pagerduty slack classic": ("slack", "pagerduty", pagerduty_classic),
    "opsgenie slack": ("slack", "opsgenie", opsgenie),
    "opsgenie slack text": ("slack", "opsgenie", opsgenie_text),
    "newrelic slack": ("slack", "newrelic", newrelic),
    "pingdom slack": ("slack", "pingdom", pingdom),
    "pingdom slack text": ("slack", "pingdom", pingdom_text),
    "statuspage slack": ("slack", "statuspage", statuspage),
    "betterstack slack": ("slack", "betterstack", betterstack),
    "grafana oncall slack": ("slack", "grafana-oncall", oncall),
}
