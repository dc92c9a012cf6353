"""Lists the rarer names of a severity: in other languages, and of single senders."""

OTHER_NAMES = {
    "critical": (
        "crítico crítica critique kritisch critico critica grave 緊急 紧急 致命 严重 嚴重 重大"
    ),
    "high": "severe alto alta élevé élevée hoch haute elevato elevata 高",
    "medium": (
        "aviso advertencia atenção atención avertissement warnung avvertimento attenzione média"
        " medio media moyen moyenne mittel 警告 中"
    ),
    "low": "baixo baixa bajo baja faible niedrig basso bassa informação información 低 提示",
}
