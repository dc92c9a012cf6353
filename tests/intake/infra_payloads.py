"""Builds what infrastructure senders send: trouble, reminder, higher severity, end.

Each builder takes (subject, number, is_severe, is_over). `number` stands for all that differs
from one notification to the next: values, durations, build numbers, event ids, plugin output.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Builder = Callable[[str, int, bool, bool], Any]

START = 1_795_350_000


def slack(sender: str, number: int, **parts: Any) -> dict[str, Any]:
    """Return a message event of an app."""
    ts = f"{START + 60 * number}.000100"
    return {
        "type": "message",
        "text": parts.pop("text", ""),
        "bot_id": f"B0{sender.upper().replace(' ', '')[:8]}",
        "bot_profile": {"name": sender},
        "ts": ts,
        "event_ts": ts,
        **parts,
    }


def fields(**values: str) -> list[dict[str, Any]]:
    """Return the fields of an attachment; `_` in a title stands for a space."""
    return [
        {"title": title.replace("_", " "), "value": value, "short": True}
        for title, value in values.items()
    ]


def zabbix_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    link = f"https://zbx.example/tr_events.php?triggerid=7&eventid={9000 + number}"
    state = f"Resolved in {number}m 4s" if is_over else "Problem"
    return slack("Zabbix", number, attachments=[{
        "fallback": f"{state}: Queue grows",
        "title": f"{state}: Queue grows",
        "title_link": link,
        "color": "#009900" if is_over else "#E45959" if is_severe else "#FFC859",
        "fields": fields(
            Host=f"{subject} [10.4.0.9]", Event_time="2026.11.22 09:08:07",
            Severity="Sofort" if is_severe else "Bald", Opdata=f"{number} messages",
        ),
    }])  # fmt: skip


def zabbix_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "event_id": str(9000 + number), "event_name": f"Queue of {subject} grows",
        "host": subject, "severity": "Sofort" if is_severe else "Bald",
        "event_nseverity": "5" if is_severe else "2", "event_value": "0" if is_over else "1",
        "trigger_status": "OK" if is_over else "PROBLEM", "trigger_id": "707",
        "event_date": "2026.11.22", "event_time": "09:08:07", "item_value": f"{number} messages",
        "message": f"Last value: {number}",
    }  # fmt: skip


def nagios_text(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    kind, state = ("RECOVERY", "OK") if is_over else ("PROBLEM", _nagios(is_severe))
    text = f"{kind}: {subject}/Queue length is {state}: {state} - {number} messages"
    return slack("nagios", number, text=text)


def _nagios(is_severe: bool) -> str:
    return "CRITICAL" if is_severe else "WARNING"


def nagios_fields(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    kind, state = ("RECOVERY", "OK") if is_over else ("PROBLEM", _nagios(is_severe))
    colour = "good" if is_over else "danger" if is_severe else "warning"
    return slack("Nagios", number, attachments=[{
        "fallback": f"{subject} Queue length {state}", "color": colour,
        "pretext": f"{kind}", "text": f"{number} messages waiting",
        "fields": fields(Host=subject, Service="Queue length", State=state),
    }])  # fmt: skip


def nagios_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "notification_type": "RECOVERY" if is_over else "PROBLEM", "host_name": subject,
        "service_description": "Queue length",
        "service_state": "OK" if is_over else _nagios(is_severe),
        "service_output": f"{number} messages waiting", "long_date_time": f"Sun Nov 22 {number}",
    }  # fmt: skip


def nagios_host(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    kind, state = ("RECOVERY", "UP") if is_over else ("PROBLEM", "DOWN")
    output = f"PING OK - rta {number} ms" if is_over else f"PING CRITICAL - loss {number}%"
    return slack("nagios", number, text=f"** {kind} Host Alert: {subject} is {state} ** {output}")


def icinga_text(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    kind, state = ("RECOVERY", "OK") if is_over else ("PROBLEM", _nagios(is_severe))
    text = f"[{kind}] queue-length on {subject} is {state}!\n{number} messages waiting"
    return slack("Icinga", number, text=text)


def icinga_fields(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    state = "OK" if is_over else _nagios(is_severe)
    return slack("icinga2", number, attachments=[{
        "fallback": f"{'RECOVERY' if is_over else 'PROBLEM'}: Queue length",
        "color": "good" if is_over else "danger",
        "title": f"{'RECOVERY' if is_over else 'PROBLEM'}: Queue length on {subject}",
        "text": f"{number} messages",
        "fields": fields(Hostname=subject, Service="Queue length", Service_State=state,
                          Event_Time=f"{START + number}"),
    }])  # fmt: skip


def icinga_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "type": "RECOVERY" if is_over else "PROBLEM", "host": subject, "service": "queue length",
        "state": "OK" if is_over else _nagios(is_severe), "output": f"{number} messages",
        "timestamp": START + number,
    }  # fmt: skip


def checkmk_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    state = "OK" if is_over else _nagios(is_severe)
    colour = "#00CC00" if is_over else "#EE0000" if is_severe else "#FFDD00"
    site = "https://cmk.example/site"
    return slack("Checkmk", number, attachments=[
        {"color": colour, "title": f"Service {'RECOVERY' if is_over else 'PROBLEM'} notification",
         "text": f"Host: <{site}/h|{subject}> (IP: 10.0.0.4)\nService: <{site}/s|Queue length>"
                 f"\nState: {state}"},
        {"color": colour, "title": "Additional Info",
         "text": f"{number} messages\nPlease take a look: @oncall",
         "footer": f"Check_MK notification: Sun Nov 22 {number:02}:00:00 UTC 2026"},
    ])  # fmt: skip


def checkmk_text(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    change = "CRIT -> OK" if is_over else f"OK -> {'CRIT' if is_severe else 'WARN'}"
    return slack("check_mk", number, text=f"{subject}/Queue length {change}\n{number} messages")


def checkmk_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    state = "OK" if is_over else _nagios(is_severe)
    return {
        "what": "SERVICE", "notificationtype": "RECOVERY" if is_over else "PROBLEM",
        "hostname": subject, "servicedesc": "Queue length", "servicestate": state,
        "serviceoutput": f"{number} messages", "shortdatetime": f"2026-11-22 09:0{number}:00",
    }  # fmt: skip


def netdata_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    message = "recovered" if is_over else "is critical" if is_severe else "needs attention"
    alarm = f"disk space usage = {number}.5%"
    if is_over:
        alarm = f"disk space usage (alarm was raised for {number} minutes)"
    return slack(f"netdata on {subject}", number,
        text=f"{subject} {message}, `disk_space._var` (_/var_), *{alarm}*", attachments=[{
        "fallback": f"{alarm} - disk_space._var (/var) - current disk usage",
        "color": "good" if is_over else "danger" if is_severe else "warning",
        "title": alarm, "title_link": f"https://nd.example/#{number}",
        "text": "current disk space usage",
        "fields": [{"title": "disk_space._var", "short": True}, {"title": "/var", "short": True}],
        "footer": f"by <https://nd.example/{number}|{subject}>",
    }])  # fmt: skip


def netdata_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    status = "CLEAR" if is_over else "CRITICAL" if is_severe else "WARNING"
    return {
        "message": f"{subject} {status}", "alert": "disk_space_usage",
        "info": "current disk space usage", "chart": "disk_space._var", "context": "disk.space",
        "space": "shop", "family": "/var", "class": "Utilization", "severity": status.lower(),
        "date": f"2026-11-22T09:0{number}:00Z", "duration": str(number),
        "additional_active_critical_alerts": number, "alert_url": f"https://nd.example/{number}",
        "Rooms": {"r": "all"}, "node": subject,
    }  # fmt: skip


def prtg_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    state = "Up" if is_over else "Down" if is_severe else "Warning"
    text = f"[{state}] {subject}: Queue length ({number} msg)"
    return slack(
        "PRTG",
        number,
        text=text + f"\n*Device:* {subject}\n*Sensor:* Queue length"
        f"\n*Status:* {state}\n*Message:* {number} msg\n*Since:* 22.11.2026 09:0{number}:00",
    )


def prtg_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "sensorid": "2044", "sensor": "Queue length", "device": subject, "group": "shop",
        "probe": "Local Probe", "status": f"{'Up' if is_over else 'Down'}",
        "laststatus": "Down" if is_over else "Up", "message": f"{number} msg",
        "down": f"{number} m", "priority": "*****" if is_severe else "***",
        "datetime": f"22.11.2026 09:0{number}:00", "lastvalue": f"{number} #",
    }  # fmt: skip


def kuma_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    word = "✅ Up" if is_over else "🔴 Down"
    return slack("Uptime Kuma", number, text=f"[{subject}] [{word}] {number} ms")


def kuma_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "heartbeat": {"monitorID": 1, "status": int(is_over), "time": f"2026-11-22 09:0{number}:00",
                      "msg": f"timeout of {number}000ms", "duration": number},
        "monitor": {"id": 1, "name": subject, "url": f"https://{subject}.example", "type": "http"},
        "msg": f"[{subject}] [{'✅ Up' if is_over else '🔴 Down'}] {number} ms",
    }  # fmt: skip


def gatus_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    event = "resolved after passing successfully" if is_over else "triggered due to having failed"
    text = f"An alert for *{subject}* has been {event} {number} time(s) in a row"
    return slack("Gatus", number, attachments=[{
        "title": ":helmet_with_white_cross: Gatus", "text": text,
        "color": "#36A64F" if is_over else "#DD0000",
        "fields": [{"title": "Condition results",
                    "value": f":x: - `[RESPONSE_TIME] < {number}`", "short": False}],
    }])  # fmt: skip


def gatus_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "endpoint": subject, "group": "shop", "status": "RESOLVED" if is_over else "TRIGGERED",
        "description": "health check failed", "errors": f"timeout {number}",
        "success": is_over,
    }  # fmt: skip


FORMS: dict[str, tuple[str, str, Builder]] = {
    "zabbix_slack": ("slack", "zabbix", zabbix_slack),
    "zabbix_http": ("http", "zabbix", zabbix_http),
    "nagios_text": ("slack", "nagios", nagios_text),
    "nagios_fields": ("slack", "nagios", nagios_fields),
    "nagios_http": ("http", "nagios", nagios_http),
    "nagios_host": ("slack", "nagios", nagios_host),
    "icinga_text": ("slack", "icinga", icinga_text),
    "icinga_fields": ("slack", "icinga", icinga_fields),
    "icinga_http": ("http", "icinga", icinga_http),
    "checkmk_slack": ("slack", "checkmk", checkmk_slack),
    "checkmk_text": ("slack", "checkmk", checkmk_text),
    "checkmk_http": ("http", "checkmk", checkmk_http),
    "netdata_slack": ("slack", "netdata", netdata_slack),
    "netdata_http": ("http", "netdata", netdata_http),
    "prtg_slack": ("slack", "prtg", prtg_slack),
    "prtg_http": ("http", "prtg", prtg_http),
    "kuma_slack": ("slack", "uptime-kuma", kuma_slack),
    "kuma_http": ("http", "uptime-kuma", kuma_http),
    "gatus_slack": ("slack", "gatus", gatus_slack),
    "gatus_http": ("http", "gatus", gatus_http),
}
