"""The bot's own notices: a burst's digest message, overdue work, undelivered messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.incidents.model import Severity, TimelineEntry
from bot.incidents.notices import Burst, Notice
from bot.language import _, plural
from handlers.views.cutting import keep_whole
from handlers.views.text import (
    Block,
    clock,
    context,
    fallback_line,
    inline_code,
    line,
    quote,
    section,
    span,
    symbol,
    untrusted_line,
)

PROBLEMS = 10  # that a refused reload names


def burst_digest(burst: Burst, cap: int) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of the digest message about a burst of incidents.

    It names each sender of more than `cap` incidents, and the consequence for that sender's cards.
    """
    total = sum(burst.severities.values())
    counts = " · ".join(
        f"{symbol(severity)} {burst.severities[severity]}"
        for severity in Severity
        if severity in burst.severities
    )
    if burst.ended_at:
        lasted = span((burst.ended_at - burst.began_at).total_seconds())
        head = _("🌤 Storm over: {incidents} in {lasted}").format(
            incidents=plural(total, "{count} incident", "{count} incidents"), lasted=lasted
        )
    else:
        head = _("🌩 Storm: {incidents} at once").format(
            incidents=plural(total, "{count} incident", "{count} incidents")
        )
    blocks: list[Block] = [section(f"*{head}*\n{counts}"), context(" · ".join(_facts(burst)))]
    blocks += [
        context(
            _(
                "{sender} sent {incidents}, {hidden} without a card: above {cap} a "
                "minute, the cards of all other senders come first."
            ).format(
                sender=inline_code(sender, 80),
                incidents=plural(count, "{count} incident", "{count} incidents"),
                hidden=hidden,
                cap=cap,
            )
        )
        for sender, count, hidden in burst.senders
        if hidden and count > cap
    ]
    if burst.most_severe:
        lines = [
            f"{symbol(Severity(severity))} · `INC-{number}` {untrusted_line(title, 120)}"
            for number, severity, title in burst.most_severe
        ]
        more = total - burst.resolved - len(lines)
        if more > 0:
            lines.append(_("… and {more} more: `/incident list`").format(more=more))
        blocks.append(section("\n".join(lines)))
    return f"{head} · {counts}", blocks


def _facts(burst: Burst) -> list[str]:
    facts = [_("since {at}").format(at=clock(burst.began_at))]
    if burst.hidden and burst.ended_at:
        facts.append(
            plural(
                burst.hidden,
                "{count} card that this channel did not take",
                "{count} cards that this channel did not take",
            )
        )
    elif burst.hidden:
        facts.append(
            plural(
                burst.hidden,
                "{count} card still to post, most severe first",
                "{count} cards still to post, most severe first",
            )
        )
    else:
        facts.append(_("every card is posted"))
    if burst.resolved:
        facts.append(_("{count} resolved").format(count=burst.resolved))
    return facts


def overdue_work(notice: Notice) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of work that is overdue."""
    if notice.ended_at:
        text = _("✅ Nothing is stuck any more, since {at}").format(at=clock(notice.ended_at))
        return text, [section(text)]
    rows: list[Any] = notice.body
    lines = [
        f"• {count} {_(says)}: {', '.join(inline_code(name, 80) for name in names)}"
        + (" …" if count > len(names) else "")
        for says, count, names in rows
    ]
    head = _("🧰 Stuck since {at}").format(at=clock(notice.began_at))
    blocks = [
        section("\n".join([f"*{head}*", *lines])),
        context(_("The log has the reasons. This message changes when nothing is stuck any more.")),
    ]
    return f"{head}: {'; '.join(f'{count} {_(says)}' for says, count, _names in rows)}", blocks


def frozen(notice: Notice) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of a freeze, and of its end."""
    body: dict[str, str] = notice.body
    why = f": {untrusted_line(body['why'], 200)}" if body["why"] else ""
    text = _("🧊 Frozen by <@{by}> {at}{why}.") if body["by"] else _("🧊 Frozen {at}{why}.")
    text = text.format(by=body["by"], at=clock(notice.began_at), why=why)
    if notice.ended_at:
        unfrozen = _("Unfrozen by {person} {at}: actions may run again.")
        text += " " + unfrozen.format(person=f"<@{body['lifted_by']}>", at=clock(notice.ended_at))
    else:
        text += " " + _("All actions are blocked until an approver types `/incident unfreeze`.")
    return text, [section(text)]


def trail(notice: Notice) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of an audit trail that was cut back or replaced."""
    if notice.ended_at:
        text = _("✅ A new audit trail was begun, {at}: actions may run again.").format(
            at=clock(notice.ended_at)
        )
        return text, [section(text)]
    why = line(notice.body["why"], 300)
    text = _("🔴 The audit trail was cut back or replaced: {why}. All actions are blocked.").format(
        why=why
    )
    remedy = _(
        "Somebody has changed the store. Keep a backup as it is now and find out who did "
        "it; then restore a backup, or begin a new trail: `python -m bot audit "
        "begin-anew`."
    )
    return text, [section(text), context(remedy)]


def gateway(notice: Notice) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of a gateway that cannot run anything, and of its return."""
    if notice.ended_at:
        text = _("✅ The gateway answers again, since {at}.").format(at=clock(notice.ended_at))
        return text, [section(text)]
    why = untrusted_line(notice.body["why"], 500)
    if names := notice.body.get("names"):  # the others answer
        text = _(
            "🔌 Nothing can run at {names} since {at}: {why} Alerts still open incidents; what "
            "other gateways do is not affected."
        ).format(names=line(names, 200), at=clock(notice.began_at), why=why)
        return text, [section(text)]
    text = _(
        "🔌 Nothing can run since {at}: {why} Alerts still open incidents; approvals wait "
        "until the gateway is back."
    ).format(at=clock(notice.began_at), why=why)
    return text, [section(text)]


def refused_reload(notice: Notice) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of a reload that was refused, and of the next that succeeded."""
    if notice.ended_at:
        at = clock(notice.ended_at)
        text = _(
            "✅ Reloaded: the policy, services and SOPs of the files are in force, since {at}."
        ).format(at=at)
        return text, [section(text)]
    problems: list[str] = notice.body
    head = _("⚠️ Reload refused: the previous policy, services and SOPs stay in force.")
    lines = [f"• {line(problem, 200)}" for problem in problems[:PROBLEMS]]
    if len(problems) > PROBLEMS:
        keep_whole("\n".join(problems[PROBLEMS:]))
        lines.append(
            _("… and {count} more: `python -m bot check` names them all").format(
                count=len(problems) - PROBLEMS
            )
        )
    blocks = [
        section("\n".join([f"*{head}*", *lines])),
        context(
            _("Since {at}. Correct the files, then send SIGHUP again.").format(
                at=clock(notice.began_at)
            )
        ),
    ]
    return f"{head} {fallback_line(problems[0], 300)}", blocks


def nothing_can_run(since: datetime) -> Block:
    """The line on a card while the gateway cannot run anything."""
    return context(
        _("🔌 Nothing can run: the gateway has not answered since {at}.").format(at=clock(since))
    )


def undelivered(where: str, why: str, shown: tuple[str, list[Block]]) -> tuple[str, list[Block]]:
    """A message that its own channel does not take, with the reason."""
    text, blocks = shown
    head = _("⚠️ Slack does not post this in <#{where}>, so it is here. {why}").format(
        where=where, why=line(why, 300)
    )
    return f"{head} {text}", [section(head), *blocks]


def delivered(where: str, what: str) -> tuple[str, list[Block]]:
    """The note in place of a message that its own channel shows now: no button is left here."""
    text = _("↪ {what} is shown in <#{where}> again.").format(what=what, where=where)
    return text, [section(text)]


def note(entry: TimelineEntry) -> tuple[str, list[Block]]:
    """(fallback text, blocks) of a person's note, as a quotation."""
    head = _("📝 Note by <@{actor}>").format(actor=entry.actor) if entry.actor else _("📝 Note")
    return f"{head}: {fallback_line(entry.spoken, 300)}", [
        section(f"{head}\n{quote(entry.spoken, 2800)}")
    ]
