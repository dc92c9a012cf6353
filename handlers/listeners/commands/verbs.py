"""The two tables of commands: help and docs/commands.md have the same words (a test compares)."""

from __future__ import annotations

from bot.language import N_
from handlers.listeners.commands import (
    actions,
    handover,
    help_pages,
    learning,
    lifecycle,
    lists,
    ownership,
    postmortems,
    quiet,
    records,
    sops,
)
from handlers.listeners.commands.call import Verb
from handlers.views.help import Topic

_FIND, _OWNER, _INCIDENT = Topic.FIND, Topic.OWNER, Topic.INCIDENT
_QUIET, _ACTIONS, _RECORDS, _SOPS = Topic.QUIET, Topic.ACTIONS, Topic.RECORDS, Topic.SOPS

INCIDENT: dict[str, Verb] = {
    "help": Verb(help_pages.show, "help [topic]", N_("the commands, or those of one topic"), _FIND),
    "list": Verb(
        lists.list_incidents,
        "list [mine] [resolved|all] [words]",
        N_("open incidents, most severe first; also `list freezes|silences|suppressed|unmatched`"),
        _FIND,
    ),
    "show": Verb(lists.show, "show INC-1", N_("one incident, its timeline and its thread"), _FIND),
    "ack": Verb(ownership.acknowledge, "ack INC-1", N_("take ownership"), _OWNER),
    "assign": Verb(
        ownership.assign, "assign INC-1 me", N_("take over, or assign it to `@ben`"), _OWNER
    ),
    "escalate": Verb(
        ownership.escalate,
        "escalate INC-1 @ben [why]",
        N_("ask a second person for help, in the thread and by a direct message"),
        _OWNER,
    ),
    "handover": Verb(
        handover.handover,
        "handover @ben",
        N_("offer all your open incidents to another person, who must accept"),
        _OWNER,
    ),
    "open": Verb(
        lifecycle.open_incident,
        "open [severity] title [service=web] [env=prod]",
        N_("report an incident; `open` alone asks for all of it"),
        _INCIDENT,
    ),
    "resolve": Verb(
        lifecycle.resolve,
        "resolve INC-1",
        N_("mark as resolved; asks first while an alert fires or an approval waits"),
        _INCIDENT,
    ),
    "reopen": Verb(
        lifecycle.reopen, "reopen INC-1", N_("open it again, without an owner"), _INCIDENT
    ),
    "severity": Verb(
        lifecycle.severity,
        "severity INC-1 high",
        N_("set the severity; alerts do not change it until the incident ends"),
        _INCIDENT,
    ),
    "note": Verb(
        lifecycle.note, "note INC-1 text", N_("its thread and its timeline quote you"), _INCIDENT
    ),
    "split": Verb(
        lifecycle.split, "split INC-8", N_("make a child an incident of its own again"), _INCIDENT
    ),
    "merge": Verb(
        lifecycle.merge, "merge INC-8 INC-7", N_("make INC-8 a child of INC-7"), _INCIDENT
    ),
    "ask": Verb(
        actions.ask,
        "ask INC-1 why now?",
        N_("read every source again and ask the advisor; the thread gets both"),
        _ACTIONS,
    ),
    "fix": Verb(
        actions.fix,
        "fix INC-1 restart|stop|start [service]",
        N_("propose an action; another person approves it"),
        _ACTIONS,
    ),
    "run": Verb(
        actions.run,
        "run INC-1 logs|status [service] [lines=20]",
        N_("show what an action that changes nothing prints; only you see it"),
        _ACTIONS,
    ),
    "cancel": Verb(
        actions.cancel,
        "cancel INC-1",
        N_("end a running action half-way, where the gateway can"),
        _ACTIONS,
    ),
    "mute": Verb(
        quiet.mute,
        "mute INC-1 [2h]",
        N_("its thread stays quiet until it clears, or for 2 h"),
        _QUIET,
    ),
    "unmute": Verb(quiet.unmute, "unmute INC-1", N_("end the mute"), _QUIET),
    "silence": Verb(
        quiet.silence,
        "silence service=web env=prod 2h why",
        N_("matching alerts open no incident for that time"),
        _QUIET,
    ),
    "unsilence": Verb(quiet.unsilence, "unsilence 3", N_("end a silence"), _QUIET),
    "trace": Verb(
        records.trace, "trace INC-1", N_("every stage of its first alert, with times"), _RECORDS
    ),
    "stats": Verb(
        records.stats, "stats 7d", N_("the numbers of a window"), _RECORDS, members_only=True
    ),
    "postmortem": Verb(
        postmortems.postmortem,
        "postmortem INC-7",
        N_("draft the post-mortem from the timeline, as a file in its thread"),
        _RECORDS,
    ),
    "lesson": Verb(
        learning.lesson,
        "lesson INC-7 text",
        N_("keep what you learned"),
        _RECORDS,
    ),
    "export": Verb(
        postmortems.export,
        "export INC-7",
        N_("everything about it with its proof, as a file in a direct message to you"),
        _RECORDS,
    ),
    "update": Verb(
        postmortems.update,
        "update INC-7",
        N_("draft an update for the stakeholders, or correct the posted one"),
        _RECORDS,
    ),
    "action": Verb(
        postmortems.action,
        "action INC-7 @ben Add an alert",
        N_("add what is to be done after it; its owner is reminded until it is done"),
        _RECORDS,
    ),
    "actions": Verb(
        postmortems.actions,
        "actions [mine|INC-7]",
        N_("what is still to be done after incidents, oldest first"),
        _RECORDS,
    ),
    "freeze": Verb(
        actions.freeze,
        "freeze on [why]",
        N_("block all actions; `INC-7` or `target web` instead of `on`: only those"),
        _ACTIONS,
    ),
    "unfreeze": Verb(
        actions.unfreeze,
        "unfreeze",
        N_("let actions run again; only an approver may"),
        _ACTIONS,
    ),
}

SOP: dict[str, Verb] = {
    "list": Verb(
        sops.list_sops,
        "list",
        N_("the procedures that are loaded, most used first"),
        _SOPS,
        members_only=True,
    ),
    "show": Verb(
        sops.show,
        "show sop_…",
        N_("one procedure, and the incident that used it last"),
        _SOPS,
        members_only=True,
    ),
    "link": Verb(
        sops.link,
        "link INC-7 sop_…",
        N_("let an incident use it; its owner or an approver may"),
        _SOPS,
        members_only=True,
    ),
    "runs": Verb(
        sops.runs,
        "runs sop_…",
        N_("what ran under it, and how it ended"),
        _SOPS,
        members_only=True,
    ),
    "search": Verb(
        sops.search,
        "search words",
        N_("the procedures that have all of the words"),
        _SOPS,
        members_only=True,
    ),
    "lessons": Verb(
        learning.lessons,
        "lessons sop_…",
        N_("what people learned of its incidents; `remove 3` removes a wrong lesson"),
        _SOPS,
        members_only=True,
    ),
    "draft": Verb(
        learning.draft,
        "draft INC-7",
        N_("draft a procedure from an incident, as a file in its thread"),
        _SOPS,
        members_only=True,
    ),
    "help": Verb(help_pages.show, "help", N_("the commands for procedures"), _SOPS),
}
