"""Tells the reason behind a state (`timeout after 10 s`) from the name of what the state is about
(`Backup missed: nightly`).
"""

from __future__ import annotations

import re

from bot.intake import states
from bot.intake.cleaning import parse_words

# What a check saw when it asked: no monitor has such a name.
_ANSWERS = parse_words(
    "connection connect refused reset peer timeout timed out unreachable route network http https"
    " status code ssl tls handshake dns lookup resolution nxdomain unavailable bad gateway internal"
    " forbidden unauthorized found many requests redirects empty response answer reply hang"
    " econnrefused econnreset etimedout enotfound ehostunreach socket aborted closed eof responding"
    " request tcp ping ok failed failure error errors service server host resolved"
)
_OTHERS = parse_words(
    "exit exited signal certificate expired invalid slow data disk full space left device memory"
    " oom oomkilled killed permission denied access read write broken pipe unexpected end file io"
    " keyword missing mismatch content down unknown reason respond received lost connections crash"
    " crashed failing connecting crashloopbackoff"
)
_BETWEEN = parse_words(
    "a an the by to of in on with after for no not is was has too up could cannot did unable than"
    " more and or name s ms sec seconds second min minutes minute m i o ko"
)
# Of these a sender has many, each with a name of its own.
_RUNS = parse_words(
    "backup backups cron cronjob job jobs task tasks run sync synchronisation synchronization"
    " replication export import migration restore snapshot dump report ingestion ingest pipeline"
    " workflow dag flow build deploy deployment release rollout script batch transfer upload"
    " download etl query scan scrape rotation renewal update upgrade installation integration"
    " webhook transaction crawl reindex indexing cleanup archive check checks healthcheck test"
    " tests probe heartbeat schedule sicherung datensicherung prüfung auftrag aufgabe lauf"
    " übertragung abgleich bericht bereitstellung sauvegarde tâche contrôle vérification"
    " synchronisation déploiement copia respaldo tarea trabajo comprobación despliegue"
    " sincronización cópia tarefa trabalho verificação implantação sincronização lavoro verifica"
    " sincronizzazione"
)
_THINGS = parse_words(
    "monitor service host server node instance website site page endpoint url domain api database"
    " db queue topic disk volume device sensor machine vm container pod cluster connector process"
    " worker agent unit timer function stage step suite dienst rechner verbindung serveur servidor"
    " servicio serviço servizio"
)
_AROUND = parse_words(
    "your the a an scheduled daily nightly weekly hourly monthly full incremental automatic"
    " automated remote local offsite health uptime synthetic de du da di of"
)
_TOKEN = re.compile(r"[^\W\d_]+")
_FAULT = re.compile(r"(?:Exception|Error|Killed|BackOff)$")
_DELIMITER = re.compile(r"\s?[:：]\s*(?=\S)|\s[-–—]\s+(?=\S)")
_BEHIND_NAME = re.compile(r"[:：;,|]\s| [(（\[]")
_MARKS = " \t*_~`.,;!"


def is_answer(text: str) -> bool:
    """Return True if a text only says what a check saw: `Connection refused`, `HTTP 503`, `OK`."""
    return _consists_of(text, _ANSWERS)


def name_behind(before: str, state: str, behind: str) -> str:
    """Return the name that follows a state: `nightly` of `Backup`, `missed`, `: nightly`; else ''.

    It does if the words before the state only say of what kind the thing is; behind
    `web1 is DOWN` stands a reason. An identifier (`db-1`) is a name behind any plain words.
    """
    delimiter = _DELIMITER.match(behind[:200])
    if delimiter is None:
        return ""
    name = behind[delimiter.end() : 200]
    end = _BEHIND_NAME.search(name)
    name = (name[: end.start()] if end else name).strip(_MARKS)
    tokens = states.folded(before.strip(_MARKS)).split()
    if not name or not tokens or _consists_of(name, _ANSWERS | _OTHERS) or _FAULT.search(name):
        return ""
    if not any(map(str.isalpha, name)):
        return ""
    if tokens[-1] in _KINDS and _AROUND_KINDS.issuperset(tokens):
        return name
    if " " in name or any(map(_is_identifier, before.split())):
        return ""
    is_stated = not states.CONNECTORS.isdisjoint(states.folded(state).split())
    return name if tokens[-1] in _RUNS or (_is_identifier(name) and not is_stated) else ""


def _is_identifier(token: str) -> bool:
    """Return True for `db-1`, `web2` and `shop.example`, which are no words."""
    return token[:1].isalpha() and any(c.isdigit() or c in "-_./:" for c in token.strip(":"))


_KINDS = _RUNS | _THINGS
_AROUND_KINDS = _KINDS | _AROUND


def _consists_of(text: str, known: frozenset[str]) -> bool:
    tokens = _TOKEN.findall(states.folded(text[:200]))
    return not known.isdisjoint(tokens) and (known | _BETWEEN).issuperset(tokens)
