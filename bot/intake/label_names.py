"""Lists the names that templates give to the labels of an alert, and reads what they hold.

A template in another language writes `Serviço`, `Gravité` or `告警级别`; SOPs and rules ask for
`service` and `severity`. The sender's own name stays beside ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.intake.times import read_time

# Our name, then what it is called elsewhere, as `lines` writes it: lower case, `_` for a space.
_OTHERS = {
    "severity": (
        "severidade severidad gravité gravedad schweregrad severità gravità prioridade prioridad"
        " priorité priorität priorità criticidade criticidad criticité kritikalität 重要度 深刻度"
        " 優先度 级别 級別 等级 告警级别 告警等级 报警级别 严重程度 严重性 嚴重程度 嚴重性 심각도"
    ),
    "service": (
        "serviço servicio servizio dienst aplicação aplicación applicazione anwendung サービス"
        " サービス名 アプリ 服务 服务名 服务名称 服務 告警应用 所属应用 应用名 应用 应用名称 서비스"
    ),
    "env": "ambiente entorno environnement umgebung 環境 环境 告警环境 환경",
    "region": "região región région regione 地域 地区 区域 リージョン",
    "host": (
        "hôte servidor serveur server anfitrión ホスト ホスト名 サーバー 主机 主机名 主机名称 主機"
        " 告警主机 호스트"
    ),
    "instance": "instância instancia istanza instanz インスタンス 实例 告警实例 实例名称",
    "alertname": (
        "alerta alerte allarme アラート名 アラート 告警名称 告警名 告警项目"
        " 报警名称 告警类型 规则名称 규칙"
    ),
    "status": "situação estatus ステータス 告警状态 当前状态 報警狀態 狀態 상태",
    "started": (
        "início inicio début beginn inizio 開始時刻 発生時刻 発生時間 発生日時"
        " 开始时间 触发时间 告警时间 发生时间 故障时间"
    ),
    "summary": "resumo resumen résumé zusammenfassung riepilogo 概要 摘要 告警主题 告警概要",
    "description": (
        "descrição descripción beschreibung descrizione 説明 詳細 描述 详情 告警详情 告警内容"
    ),
}
_OURS = {other: name for name, others in _OTHERS.items() for other in others.split()}
STATE_FIELDS = (
    "status", "state", "current_state", "alert_state", "alert_status", "new_state",
    "current_status", "status_text", "state_text", "status_label", "state_label", "status_name",
    "state_name", "estado", "statut", "stato", "zustand", "状態", "状态",
)  # fmt: skip
_START_FIELDS = (
    "started", "started_at", "start_time", "since", "triggered_at", "time", "date", "timestamp",
    "starts_at", "event_time", "first_seen", "fired_at", "opened_at", "created_at", "date_time",
    "startsat", "start", "firing_since",
)  # fmt: skip
# They name what a message is about, where its title is the same for every message.
_NAMING_FIELDS = (
    "alertname", "alert", "alert_name", "rule", "rule_name", "check", "check_name", "monitor",
    "workflow", "pipeline", "job",
)  # fmt: skip


def our_name(name: str) -> str:
    """Return our name of a label, or '' if it is none of another language."""
    return _OURS.get(name, "")


def with_our_names(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels, and beside each of another language the same under our name."""
    ours = {ours: labels[name] for name in labels if (ours := _OURS.get(name))}
    return {**ours, **labels}


def start_in(labels: Mapping[str, str]) -> datetime | None:
    """Return the time at which the trouble began, or None."""
    times = (read_time(labels[name]) for name in _START_FIELDS if name in labels)
    return next(filter(None, times), None)


def naming_label(labels: Mapping[str, str]) -> str:
    """Return the label that names what the message is about, or ''."""
    return next((labels[name] for name in _NAMING_FIELDS if labels.get(name)), "")
