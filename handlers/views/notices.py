"""The bot's own notices: a burst's digest message, overdue work, undelivered messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.incidents.model import Severity, TimelineEntry
from bot.incidents.notices import Burst, Notice
from handlers.views.cutting import keep_whole
from handlers.views.text import (
    SYMBOL,
    Block,
    clock,
    context,
    fallback_line,
    inline_code,
    line,
    plural,
    quote,
    section,
    span,
    untrusted_line,
)

PROBLEMS = 10  # that a refused reload names


def burst_digest(burst: Burst, cap: int) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of the digest message about a burst of incidents.

    It names each sender of more than `cap` incidents, and the consequence for that sender's cards.
    """
    total = sum(burst.severities.values())
    counts = " · ".join(
        f"{SYMBOL[severity]} {burst.severities[severity]}"
        for severity in Severity
        if severity in burst.severities
    )
    if burst.ended_at:
        lasted = span((burst.ended_at - burst.began_at).total_seconds())
        head = f"🌤 Storm over: {plural(total, 'incident')} in {lasted}"
    else:
        head = f"🌩 Storm: {plural(total, 'incident')} at once"
    facts = [f"since {clock(burst.began_at)}"]
    if burst.hidden and burst.ended_at:
        facts.append(f"{plural(burst.hidden, 'card')} that this channel did not take")
    elif burst.hidden:
        facts.append(f"{plural(burst.hidden, 'card')} still to post, most severe first")
    else:
        facts.append("every card is posted")
    if burst.resolved:
        facts.append(f"{burst.resolved} resolved")
    blocks: list[Block] = [section(f"*{head}*\n{counts}"), context(" · ".join(facts))]
    blocks += [
        context(
            f"{inline_code(sender, 80)} sent {plural(count, 'incident')}, {hidden} without a card:"
            f" above {cap} a minute, the cards of all other senders come first."
        )
        for sender, count, hidden in burst.senders
        if hidden and count > cap
    ]
    if burst.most_severe:
        lines = [
            f"{SYMBOL[Severity(severity)]} · `INC-{number}` {untrusted_line(title, 120)}"
            for number, severity, title in burst.most_severe
        ]
        more = total - burst.resolved - len(lines)
        if more > 0:
            lines.append(f"… and {more} more: `/incident list`")
        blocks.append(section("\n".join(lines)))
    return f"{head} · {counts}", blocks


def overdue_work(notice: Notice) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of work that is overdue."""
    if notice.ended_at:
        text = f"✅ Nothing is stuck any more, since {clock(notice.ended_at)}"
        return text, [section(text)]
    rows: list[Any] = notice.body
    lines = [
        f"• {count} {says}: {', '.join(inline_code(name, 80) for name in names)}"
        + (" …" if count > len(names) else "")
        for says, count, names in rows
    ]
    head = f"🧰 Stuck since {clock(notice.began_at)}"
    blocks = [
        section("\n".join([f"*{head}*", *lines])),
        context("The log has the reasons. This message changes when nothing is stuck any more."),
    ]
    return f"{head}: {'; '.join(f'{count} {says}' for says, count, _names in rows)}", blocks


def frozen(notice: Notice) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of a freeze, and of its end."""
    body: dict[str, str] = notice.body
    why = f": {untrusted_line(body['why'], 200)}" if body["why"] else ""
    by = f" by <@{body['by']}>" if body["by"] else ""
    text = f"🧊 Frozen{by} {clock(notice.began_at)}{why}. "
    if notice.ended_at:
        ended = f"<@{body['lifted_by']}> {clock(notice.ended_at)}"
        text += f"Unfrozen by {ended}: actions may run again."
    else:
        text += "All actions are blocked until an approver types `/incident unfreeze`."
    return text, [section(text)]


def trail(notice: Notice) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of an audit trail that was cut back or replaced."""
    if notice.ended_at:
        text = f"✅ A new audit trail was begun, {clock(notice.ended_at)}: actions may run again."
        return text, [section(text)]
    why = line(notice.body["why"], 300)
    text = f"🔴 The audit trail was cut back or replaced: {why}. All actions are blocked."
    remedy = (
        "Somebody has changed the store. Keep a backup as it is now and find out who did it; then"
        " restore a backup, or begin a new trail: `python -m bot audit begin-anew`."
    )
    return text, [section(text), context(remedy)]


def gateway(notice: Notice) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of a gateway that cannot run anything, and of its return."""
    if notice.ended_at:
        text = f"✅ The gateway answers again, since {clock(notice.ended_at)}."
        return text, [section(text)]
    why = untrusted_line(notice.body["why"], 500)
    text = (
        f"🔌 Nothing can run since {clock(notice.began_at)}: {why} "
        "Alerts still open incidents; approvals wait until the gateway is back."
    )
    return text, [section(text)]


def refused_reload(notice: Notice) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of a reload that was refused, and of the next that succeeded."""
    if notice.ended_at:
        at = clock(notice.ended_at)
        text = f"✅ Reloaded: the policy, services and SOPs of the files are in force, since {at}."
        return text, [section(text)]
    problems: list[str] = notice.body
    head = "⚠️ Reload refused: the previous policy, services and SOPs stay in force."
    lines = [f"• {line(problem, 200)}" for problem in problems[:PROBLEMS]]
    if len(problems) > PROBLEMS:
        keep_whole("\n".join(problems[PROBLEMS:]))
        lines.append(f"… and {len(problems) - PROBLEMS} more: `python -m bot check` names them all")
    blocks = [
        section("\n".join([f"*{head}*", *lines])),
        context(f"Since {clock(notice.began_at)}. Correct the files, then send SIGHUP again."),
    ]
    return f"{head} {fallback_line(problems[0], 300)}", blocks


def nothing_can_run(since: datetime) -> Block:
    """The line on a card while the gateway cannot run anything."""
    return context(f"🔌 Nothing can run: the gateway has not answered since {clock(since)}.")


def undelivered(where: str, why: str, shown: tuple[str, list[Block]]) -> tuple[str, list[Block]]:
    """A message that its own channel does not take, with the reason."""
    text, blocks = shown
    head = f"⚠️ Slack does not post this in <#{where}>, so it is here. {line(why, 300)}"
    return f"{head} {text}", [section(head), *blocks]


def delivered(where: str, what: str) -> tuple[str, list[Block]]:
    """The note in place of a message that its own channel shows now: no button is left here."""
    text = f"↪ {what} is shown in <#{where}> again."
    return text, [section(text)]


def note(entry: TimelineEntry) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of a person's note, as a quotation."""
    head = "📝 Note" + (f" by <@{entry.actor}>" if entry.actor else "")
    return f"{head}: {fallback_line(entry.text, 300)}", [
        section(f"{head}\n{quote(entry.text, 2800)}")
    ]
