"""Lists the words for a severity in languages other than English."""

OTHER_LANGUAGES = {
    "critical": (
        "crítico crítica critique kritisch critico critica grave 緊急 紧急 致命 严重 嚴重 重大"
    ),
    "high": "alto alta élevé élevée hoch haute elevato elevata 高",
    "medium": (
        "aviso advertencia atenção atención avertissement warnung avvertimento attenzione média"
        " medio media moyen moyenne mittel 警告 中"
    ),
    "low": "baixo baixa bajo baja faible niedrig basso bassa informação información 低 提示",
}
