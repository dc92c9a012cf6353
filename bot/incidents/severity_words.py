"""Reads a sender's word for a severity, in any of the languages that senders use."""

from __future__ import annotations

from bot.incidents.model import Severity

_COMMON_WORDS = {
    Severity.CRITICAL: "critical crit disaster fatal emergency page urgent blocker p0 sev0 p1 sev1",
    Severity.HIGH: "high error major p2 sev2",
    Severity.MEDIUM: "medium warning warn average moderate p3 sev3",
    Severity.LOW: "low info information informational notice minor debug p4 sev4 p5 sev5 trivial",
}

_RARER_WORDS = {  # in other languages, and of single senders
    Severity.CRITICAL: (
        "crítico crítica critique kritisch critico critica grave kritische kritischer"
        " urgente bloquant bloquante catastrophic 緊急 紧急 致命 致命的 严重 嚴重 重大 危险"
        " 危急 灾难 危険"
    ),
    Severity.HIGH: (
        "severe alto alta élevé élevée hoch haute elevato elevata majeur majeure mayor"
        " maior maggiore wichtig importante schwerwiegend important 高 高危 重要 主要"
    ),
    Severity.MEDIUM: (
        "aviso advertencia atenção atención avertissement warnung avvertimento attenzione"
        " média medio media moyen moyenne mittel avviso médio moderado moderada 警告 中"
        " 注意"
    ),
    Severity.LOW: (
        "baixo baixa bajo baja faible niedrig basso bassa informação información mineur"
        " mineure menor minore gering hinweis leve informativo informativa 低 提示 一般"
        " 次要 軽微 情報"
    ),
}

_SEVERITIES = {
    word: severity
    for table in (_COMMON_WORDS, _RARER_WORDS)
    for severity, listed in table.items()
    for word in listed.split()
}


def known_severity(word: str) -> Severity | None:
    """Return the severity of a sender's word, or None for an unknown word."""
    return _SEVERITIES.get(word.strip().lower())


def severity_of(word: str) -> Severity:
    """Map any sender's word to a severity; an unknown word is medium, never dropped."""
    return known_severity(word) or Severity.MEDIUM


def severity_synonyms(severity: Severity) -> tuple[str, ...]:
    """Return every word for this severity."""
    return tuple(word for word, meant in _SEVERITIES.items() if meant is severity)
