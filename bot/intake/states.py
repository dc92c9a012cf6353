"""Knows the words and emoji that say whether an alert fires or is over.

One table for every sender, in eight languages. `headline` finds where such a word stands in a
title; this module only knows what each of them means. A word that is not here says nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from bot.incidents.model import AlertStatus
from bot.incidents.severity_words import known_severity
from bot.intake.cleaning import parse_words
from bot.intake.earlier_states import REOPENED, without_earlier

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of one language, each list separated by commas.

    `firing` and `resolved` are states and nothing else: they leave a title. `symptoms` and
    `recoveries` also say what is the matter ("backup failed"), so a title keeps them.
    """

    firing: str
    resolved: str
    symptoms: str = ""
    recoveries: str = ""


VOCABULARIES = {
    "en": Vocabulary(
        firing="firing, fired, alerting, alert, alarm, in alarm, triggered, trigger, problem,"
        " problem started, opened, open, activated, active, started, ongoing, incident, unresolved,"
        " escalated, still firing, now firing, nodata, no data, missing data,"
        " insufficient_data, insufficient data, breached, violated, exceeded, raised, raise,"
        " investigating, identified, got worse, got better, partially resolved, partly resolved",
        resolved="resolved, resolve, recovered, recovery, ok, okay, closed, close, cleared, clear,"
        " normal, back to normal, returned to normal, fixed, inactive, ended, now over,"
        " solved, restored, problem resolved, problem solved, problem ended, no longer firing,"
        " no longer alerting, no longer active, all clear, deactivated, remediated, autoresolved,"
        " auto resolved, auto-resolved, not triggered, mitigated, completed,"
        " alert canceled, alert cancelled, alarm canceled, alarm cancelled, incident canceled,"
        " incident cancelled, problem canceled, problem cancelled",
        symptoms="down, failed, failing, failure, fail, fails, still failing, unreachable,"
        " unhealthy, unavailable, not responding, not ready, not healthy, offline, outage, crashed,"
        " error, errored, erroring, broken, degraded, degraded performance, partial outage,"
        " major outage, unstable, timed out, timeout, lost, dead, stopped, out of sync, outofsync,"
        " missing, aborted, cancelled, canceled, stalled, partially failed, partiallyfailed,"
        " detected, matched, missed,"
        " not reachable, not available, not running, not working, not accessible,"
        " does not exist, not meeting its slo, not meeting its slos",
        recoveries="up, back up, up again, back online, online, healthy, success, succeeded,"
        " successful, passed, passing, reachable, operational, available, working, synced, ready,"
        " stable, alive, good, responding, responding again, green, complete, applied,"
        " exists, fine, received again, seen again, reporting again, running again",
    ),
    "de": Vocabulary(
        firing="alarm, ausgelöst, störung, problem, aktiv, offen, warnung, meldung, gestört",
        resolved="behoben, gelöst, wiederhergestellt, erledigt, beendet, geschlossen, entwarnung,"
        " wieder ok, wieder normal, aufgehoben, störung behoben, problem gelöst, in ordnung,"
        " wieder in ordnung, normalisiert",
        symptoms="ausgefallen, ausfall, fehler, fehlgeschlagen, nicht erreichbar, gescheitert,"
        " nicht verfügbar, abgebrochen, überschritten, erkannt",
        recoveries="wieder erreichbar, wieder verfügbar, erreichbar, erfolgreich, wieder da,"
        " verfügbar, wieder online",
    ),
    "fr": Vocabulary(
        firing="alerte, alarme, déclenché, déclenchée, incident, problème, en cours, ouvert,"
        " ouverte, en alarme, en alerte, activé, activée",
        resolved="résolu, résolue, rétabli, rétablie, terminé, terminée, clos, close, clôturé,"
        " clôturée, fermé, fermée, retour à la normale, fin d'alerte, fin de l'alerte, corrigé,"
        " corrigée, levé, levée, rétablissement, résolution",
        symptoms="en panne, panne, échec, échoué, échouée, hors service, injoignable, en erreur,"
        " erreur, indisponible, dépassé, dépassée",
        recoveries="de nouveau disponible, disponible, réussi, réussie, opérationnel,"
        " opérationnelle, de retour, joignable",
    ),
    "es": Vocabulary(
        firing="alerta, alarma, disparado, disparada, activado, activada, activa, activo, problema,"
        " incidente, incidencia, abierto, abierta, en curso",
        resolved="resuelto, resuelta, recuperado, recuperada, cerrado, cerrada, solucionado,"
        " solucionada, restablecido, restablecida, normalizado, normalizada,"
        " vuelto a la normalidad,"
        " vuelve a la normalidad, recuperación, finalizado, finalizada, corregido, corregida",
        symptoms="caído, caída, fallo, falló, fallido, fallida, error, no disponible, inaccesible,"
        " no responde, superado, superada, fuera de servicio",
        recoveries="disponible, en línea, operativo, operativa, exitoso, exitosa, accesible,"
        " restaurado, restaurada",
    ),
    "pt": Vocabulary(
        firing="alerta, alarme, disparado, disparada, acionado, acionada, ativo, ativa, ativado,"
        " ativada, problema, incidente, aberto, aberta, em andamento",
        resolved="resolvido, resolvida, recuperado, recuperada, fechado, fechada, encerrado,"
        " encerrada, normalizado, normalizada, restabelecido, restabelecida, solucionado,"
        " solucionada, voltou ao normal, de volta ao normal, recuperação, finalizado, finalizada,"
        " corrigido, corrigida",
        symptoms="fora do ar, falha, falhou, falho, caiu, erro, indisponível, inacessível, inativo,"
        " não responde, excedido, excedida",
        recoveries="disponível, no ar, online, operacional, restaurado, restaurada, acessível,"
        " bem-sucedido, sucesso",
    ),
    "it": Vocabulary(
        firing="allarme, allerta, avviso, scattato, scattata, attivo, attiva, attivato, attivata,"
        " problema, incidente, aperto, aperta, in corso",
        resolved="risolto, risolta, ripristinato, ripristinata, chiuso, chiusa, rientrato,"
        " rientrata, tornato alla normalità, tornata alla normalità, recuperato, recuperata,"
        " cessato, cessata, terminato, terminata, normale, ripristino, corretto, corretta",
        symptoms="guasto, guasta, errore, fallito, fallita, fuori servizio, irraggiungibile,"
        " non raggiungibile, non disponibile, non risponde, superato, superata, caduto, caduta",
        recoveries="raggiungibile, di nuovo disponibile, disponibile, operativo, operativa,"
        " riuscito, riuscita",
    ),
    "ja": Vocabulary(
        firing="発報, 発生, 発火, 警告, アラート, 警報, 検知, 検出, 継続中,"
        " 対応中, 未解決, トリガー",
        resolved="復旧, 解決, 解決済み, 回復, 解消, 正常, 復帰, クローズ,"
        " 終了, 正常化, 復旧済み, 解除",
        symptoms="異常, 障害, 失敗, ダウン, 停止, エラー, 応答なし, 超過",
        recoveries="成功, 稼働中, 正常稼働",
    ),
    "zh": Vocabulary(
        firing="告警, 告警中, 报警, 警报, 警報, 触发, 觸發, 已触发, 已觸發, 发生, 發生,"
        " 未恢复, 未恢復,"
        " 未解决, 未解決, 告警触发, 故障告警",
        resolved="已恢复, 恢复, 恢复正常, 已恢復, 恢復, 恢復正常, 已解决, 解决, 已解決, 正常,"
        " 已关闭, 关闭, 已關閉, 解除, 已解除, 告警恢复, 告警恢復, 告警解除,"
        " 恢复通知, 已消除, 结束, 已结束",
        symptoms="故障, 异常, 異常, 失败, 失敗, 宕机, 宕機, 不可用, 超时, 超時, 中断, 离线",
        recoveries="成功, 可用, 在线, 恢复可用",
    ),
}
# Words that people of every language use before or after a state: they say nothing of their own.
FILLERS = parse_words(
    "alert alerts alarm alarms incident incidents problem issue notification notice event monitor"
    " monitoring status state now the new update für for pour para per de of du is in"
    " automatically auto started"
    " alerta alarme alarma allarme incidente problema problème störung meldung on"
)
# Before a title these say that an alert follows: its beginning or, in green, its end.
ANNOUNCING = parse_words("alert alarm alerta alerte alarme allarme アラート 告警 报警")
# Behind these a state word says what the subject is.
CONNECTORS = parse_words(
    "is are was were just has have had been be being now went goes gone become became becomes back"
    " to again still currently status state changed turned transitioned from into"
    " ist sind war wurde wurden wieder est sont a été redevient redevenu"
    " está esta fue ha sido son está foi foram voltou ficou è stato stata sono"
)
NEGATIONS = parse_words(
    "not never cannot can't couldn't isn't aren't wasn't un non no nicht kein keine ne pas não nem"
    " sin senza without unless"
)

# Alone at the end of a title these are part of a name ("sign up", "above normal"); behind a verb,
# a dash or a colon they are a state.
AMBIGUOUS = parse_words(
    "up clear normal active open closed close online ok okay good green ready available success"
    " successful working alive stable passed passing complete completed applied exists fine alert"
    " alarm incident problem error failure timeout missing lost offline started ended stopped fail"
    " outage warning reachable operational synced trigger recovery raise identified responding"
    " aktiv offen meldung problema incidente alerta alarme allarme alarma erreur fehler panne échec"
    " guasto errore falha fallo erro disponible disponibile disponível online normale"
)
# Before a colon these name the kind of the subject: `PROBLEM Service Alert: web1/HTTP`.
KINDS = parse_words(
    "service host check job build rule server pipeline workflow dag query"
    " deploy deployment déploiement despliegue implantação release rollout"
)

_EMOJI_FIRING = "🔥🚨🔴❌⛔🛑‼❗❕⚠💥🆘🟠🟡📛☠💔🚩🔻"
_EMOJI_RESOLVED = "✅🟢✔☑🆗💚👍🎉💹🟩"
_EMOJI_NAME_FIRING = parse_words(
    "fire rotating_light red_circle x no_entry no_entry_sign octagonal_sign sos bangbang boom siren"
    " exclamation heavy_exclamation_mark warning large_red_circle alert helmet_with_white_cross"
    " large_orange_circle large_yellow_circle red_square collision skull broken_heart firing red"
    " critical error alarm"
)
_EMOJI_NAME_RESOLVED = parse_words(
    "white_check_mark heavy_check_mark large_green_circle green_circle ok green_heart tada +1"
    " thumbsup ballot_box_with_check large_green_square green green_tick check checkmark resolved"
    " recovered tick relaxed success heavy_tick"
)
_EMOJI_NAME = re.compile(r":([a-z0-9_+'-]{1,60}):", re.IGNORECASE)
_ARROW = re.compile(r"[-=]>|[→➔➜]|(?:(?<=ok)|(?<=normal)|(?<=healthy))[ _]to[ _]", re.IGNORECASE)
_EMOJI_PART = re.compile(r"[_-]")


@dataclass(frozen=True, slots=True)
class StateWord:
    """The meaning of a word: its state, and whether a title keeps the word."""

    status: AlertStatus
    is_symptom: bool


def _entries() -> Iterator[tuple[str, StateWord]]:
    for tokens in VOCABULARIES.values():
        for text, status, is_symptom in (
            (tokens.firing, FIRING, False),
            (REOPENED, FIRING, False),
            (tokens.resolved, RESOLVED, False),
            (tokens.symptoms, FIRING, True),
            (tokens.recoveries, RESOLVED, True),
        ):
            for phrase in text.split(","):
                if phrase.strip():
                    yield folded(phrase), StateWord(status, is_symptom)


def folded(text: str) -> str:
    """Return the text for comparison: compatible characters as one, lower case, single spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    return " ".join(text.casefold().replace("_", " ").replace("-", " ").split())


STATE_WORDS: dict[str, StateWord] = {}
for _phrase, _word in _entries():
    STATE_WORDS.setdefault(_phrase, _word)
_REOPENED = tuple(folded(phrase) for phrase in REOPENED.split(","))
LONGEST_PHRASE = max(len(phrase.split()) for phrase in STATE_WORDS)
# Japanese and Chinese do not separate words: these are looked for at the ends of a run.
UNSEPARATED = tuple(
    sorted((phrase for phrase in STATE_WORDS if not phrase[0].isascii() and phrase[0] > "\u2e80"),
           key=len, reverse=True)
)  # fmt: skip


def reopens(text: str) -> bool:
    """Return True if the text begins with a word for "again": a good state behind it is over."""
    text = folded(text)
    return any(text.startswith(phrase) for phrase in _REOPENED)


@lru_cache(maxsize=2048)  # a burst repeats the same few words
def state_of(word: str) -> AlertStatus | None:
    """Return what a word or phrase in a state field says, or None for an unknown one.

    Emoji, brackets, counts and a rest behind the word do not matter: `:fire: Firing`,
    `[FIRING:2]`, `Recovered on {host:a}`, `Alert cleared`, `UP (HTTP 200)`.
    """
    # Of `OK -> ALARM` the second counts, of `ALARM (was OK)` the first.
    return _stated(_ARROW.split(without_earlier(word[:200], _is_statement))[-1])


def is_alone(text: str) -> bool:
    """Return True for a state with nothing else: `OK`, `back to normal`; not `up 40 %`."""
    return folded(_EMOJI_NAME.sub(" ", text[:200]).strip(" .!✅🟢🔴🔥")) in STATE_WORDS


def _is_statement(word: str) -> bool:
    return known_severity(word.strip(" :")) is not None or _stated(word) is not None


def _stated(word: str) -> AlertStatus | None:
    parts = re.findall(r"[\w+]+(?:'[\w+]+)*", folded(_EMOJI_NAME.sub(" ", word)))
    if not parts:
        return emoji_state(word)
    noun: AlertStatus | None = None  # "alert" and "problem" fire, unless "cleared" follows
    for at in range(min(len(parts), 4)):
        meaning = _meaning(parts, at)
        if meaning is not None:
            is_phrase = meaning is not STATE_WORDS.get(parts[at])  # "alert canceled"
            if is_phrase or parts[at] not in FILLERS:
                return meaning.status
            noun = noun or meaning.status
        elif parts[at] in NEGATIONS:
            return noun
    return noun


def _meaning(parts: list[str], at: int) -> StateWord | None:
    for length in range(min(LONGEST_PHRASE, len(parts) - at), 0, -1):
        if meaning := STATE_WORDS.get(" ".join(parts[at : at + length])):
            return meaning
    run = unseparated_state(parts[at])
    return run[1] if run else None


_ENDINGS = (
    *("しました", "されました", "しています", "されています", "しております", "ました", "ます"),
    *("中です", "です", "中", "了", "通知", "信息"),
)
_LONGEST_RUN = 300  # characters without a space that are read
_PARTICLES = "がはをにでのと、已为是：:・ "


def unseparated_state(run: str) -> tuple[int, StateWord] | None:
    """Return the Japanese or Chinese state at the end or the beginning of a run of characters.

    The number is where the subject before it ends; 0 if the state comes first.
    """
    if run.isascii():
        return None
    text = run[:_LONGEST_RUN]
    while text.endswith(_ENDINGS):
        text = text.removesuffix(next(ending for ending in _ENDINGS if text.endswith(ending)))
    state: StateWord | None = None
    while phrase := next((word for word in UNSEPARATED if text.endswith(word)), ""):
        state = state or STATE_WORDS[phrase]
        text = text.removesuffix(phrase).rstrip(_PARTICLES)
    if state is not None:
        return len(text), state
    phrase = next((word for word in UNSEPARATED if run.startswith(word)), "")
    return (0, STATE_WORDS[phrase]) if phrase else None


def status_of(word: str) -> AlertStatus:
    """Return the status that a state word says; an unknown one fires: nothing is lost."""
    return state_of(word) or FIRING


def emoji_state(text: str) -> AlertStatus | None:
    """Return what the first emoji of the text says, or None."""
    for name in _EMOJI_NAME.findall(text[:200]):
        name = name.lower()
        parts = {name, *_EMOJI_PART.split(name)}
        if not parts.isdisjoint(_EMOJI_NAME_RESOLVED):
            return RESOLVED
        if not parts.isdisjoint(_EMOJI_NAME_FIRING):
            return FIRING
    for character in text[:40]:
        if character in _EMOJI_RESOLVED:
            return RESOLVED
        if character in _EMOJI_FIRING:
            return FIRING
    return None
