"""Lists the names that templates give to the labels of an alert, and reads what they hold.

A template in another language writes `Serviço`, `Gravité` or `告警级别`; SOPs and rules ask for
`service` and `severity`. The sender's own name stays beside ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from bot.intake import guesses
from bot.intake.headline import read_headline
from bot.intake.times import read_time

# Our name, then what it is called elsewhere, as `lines` writes it: lower case, `_` for a space.
_OTHERS = {
    "severity": (
        "severidade severidad gravité gravedad schweregrad severità gravità prioridade"
        " prioridad priorité priorität priorità criticidade criticidad criticité"
        " kritikalität gravidade criticità dringlichkeit stufe niveau nivel nível livello"
        " sévérité severite gravite gravita severita criticita criticite priorita priorite"
        " nivel_de_gravedad"
        " nível_de_severidade niveau_de_gravité livello_di_gravità kritikalitaet prioritaet"
        " urgência urgencia urgence urgenza schwere 重要度 重大度 深刻度 緊急度 レベル 優先度 级别"
        " 級別 等级 等級 告警级别 告警等级 报警级别 报警等级 告警級別 故障级别 事件级别"
        " 严重程度 严重性 严重级别 优先级 级别状态 嚴重程度 嚴重性 심각도"
    ),
    "service": (
        "serviço servico servizio_coinvolto servicio servizio dienst"
        " aplicação aplicación applicazione anwendung"
        " applikation system système sistema komponente composant componente"
        " componente_afetado microservice microservicio microsserviço service_concerné"
        " betroffener_dienst affected_service impacted_service service_impacté"
        " servicio_afectado serviço_afetado servizio_interessato サービス 対象サービス"
        " システム システム名 対象システム アプリケーション サービス名 アプリ 服务 服务名"
        " 服务名称 服務 告警应用 所属应用 应用名 应用 应用名称 服务模块 告警服务 受影响服务"
        " 影响服务 系统 所属系统 业务系统 系統 服務名稱 應用 서비스"
    ),
    "env": (
        "ambiente entorno environnement umgebung 環境 環境名 対象環境 环境 告警环境"
        " 所属环境 部署环境 运行环境 환경"
        " environnement_concerné entorno_afectado ambiente_interessato 運行環境 環境名稱"
        " 环境名称 실행환경"
    ),
    "region": (
        "região regiao región région regione 地域 地区 区域 リージョン"
        " standort ubicación localização località 區域 地區 所在地域 지역"
    ),
    "host": (
        "hôte hote anfitrion maquina noeud serveur_concerné servidor"
        " serveur server anfitrión rechner machine máquina macchina maschine"
        " nodo knoten nœud equipo ホスト ホスト名 サーバー サーバ サーバ名 サーバー名"
        " 対象ホスト 主机 主机名 主机名称 主機 主機名稱 告警主机 故障主机 服务器 服务器名称"
        " 机器 伺服器 호스트"
    ),
    "instance": (
        "instância instancia istanza instanz インスタンス 实例 告警实例 实例名称"
        " 實例 实例名 インスタンス名"
    ),
    "alertname": (
        "alerta alerte allarme problem_name event_name alarm alarm_name trigger_name"
        " monitor_name nombre_de_la_alerta nome_do_alerta nom_de_l'alerte アラート名"
        " アラート アラーム名 ルール名 監視項目 告警名称 告警名 告警项目 告警主题 告警标题"
        " 报警名称 报警主题 告警类型 报警类型 规则名称 规则标题 告警规则 事件名称 故障名称"
        " 告警名稱 規則名稱 규칙"
        " alarmname regel règle regla regra regola nombre_de_alerta nome_allarme"
        " nome_del_allarme nom_alerte 告警規則 アラートルール 警报名称"
    ),
    "status": (
        "situação situacao estatus ステータス 告警状态 当前状态 報警狀態 狀態 상태"
        " état etat situación 現在の状態 告警狀態 目前狀態"
    ),
    "started": (
        "início inicio début debut beginn inizio 開始時刻 発生時刻 発生時間 発生日時 开始时间"
        " 触发时间 告警时间 发生时间 故障时间"
        " seit startzeit depuis heure_de_début desde hora_de_inicio"
        " hora_de_início ora_di_inizio 開始時間 開始日時 検知時刻 検知日時"
        " 觸發時間 發生時間 告警時間"
    ),
    "summary": (
        "resumo resumen résumé zusammenfassung riepilogo sommario 概要 件名 摘要 告警概要 告警摘要"
        " kurztext synthèse 概述 概览 サマリー サマリ"
    ),
    "description": (
        "descrição descricao descripción descripcion"
        " beschreibung descrizione mensagem mensaje nachricht"
        " messaggio meldungstext detalhes detalles dettagli 説明 詳細 内容 メッセージ 描述"
        " 详情 告警详情 告警内容 告警描述 报警描述 报警内容 报警详情 告警信息 故障描述"
        " 告警詳情 詳情"
        " einzelheiten détails détail 說明 描述信息 詳細内容 エラー内容"
    ),
    "value": (
        " wert aktueller_wert valeur valeur_actuelle valor valor_actual"
        " valor_atual valore valore_attuale 値 現在値 当前值 触发值 告警值 當前值"
    ),
    "threshold": (
        " schwelle schwellwert grenzwert seuil umbral limiar limite soglia 閾値"
        " しきい値 阈值 告警阈值 閾值"
    ),
}
_OURS = {other: name for name, others in _OTHERS.items() for other in others.split()}
NOW_FIELDS = ("now", "jetzt", "maintenant", "ahora", "agora", "ora", "現在", "现在", "当前")
STATE_FIELDS = (
    "status", "state", "current_state", "alert_state", "alert_status", "new_state",
    "current_status", "status_text", "state_text", "status_label", "state_label", "status_name",
    "state_name", "estado", "statut", "stato", "zustand", "状態", "状态", "级别状态",
    *NOW_FIELDS,
)  # fmt: skip
_START_FIELDS = (
    "started", "started_at", "start_time", "since", "triggered_at", "time", "date", "timestamp",
    "starts_at", "event_time", "first_seen", "fired_at", "opened_at", "created_at", "date_time",
    "startsat", "start", "firing_since",
)  # fmt: skip
# Rows that say where, when and how bad; not what happened.
_FACTS = frozenset((
    *guesses.SERVICE_LABELS, *guesses.ENV_LABELS, *guesses.REGION_LABELS, *STATE_FIELDS,
    *_START_FIELDS, "server", "node", "pod", "namespace", "cluster", "ip", "url", "team", "owner",
    "account", "value", "threshold", "duration", "sender", "source", "target", "metric",
)) - frozenset(("job", "job_name", "monitor", "dag_id"))  # fmt: skip
_GRADES = frozenset((*guesses.SEVERITY_LABELS, *STATE_FIELDS))
_TELLING = frozenset((
    "summary", "description", "message", "error", "reason", "subject", "title", "event", "details",
    "alertname", "alert_name", "rule_name", "problem_name", "event_name", "check_name", "name",
))  # fmt: skip
_PASSING = frozenset((
    "duration", "trace_id", "span_id", "run_id", "build_id", "job_id", "correlation_id", "session",
    "err", "code", "user",
))  # fmt: skip
_LONGEST_FACT = 4  # words
_TAGS = frozenset((
    "tags", "labels", "dimensions", "tag", "label", "metric", "event_tags", "common_labels",
    "监控指标", "标签", "告警标签", "ラベル", "タグ", "etiquetas", "étiquettes", "etichette",
))  # fmt: skip
_TAG = re.compile(r"([A-Za-z_][\w./-]{0,40})\s?[=:]\s?\"?([^\s\",;\[\]{}|]{1,100})")
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


def is_known(name: str) -> bool:
    """Return True for a name that says where, when, or how bad."""
    return name in _FACTS or name in _GRADES


def passes(name: str) -> bool:
    """Return True for a name whose value is not the same from the beginning to the end."""
    return name in _PASSING or name in _GRADES or name in _START_FIELDS or name in _TELLING


def is_fact(name: str, value: str) -> bool:
    """Return True for a row that says where, when or how bad, such as `Server: db-1`.

    `Host: db-1 is down` says what happened.
    """
    if name in _START_FIELDS or name.endswith(("_time", "_at")):
        return True
    if len(value.split()) > _LONGEST_FACT:
        return False
    if name in _GRADES or name.endswith(("_severity", "_state")):
        return True
    return name in _FACTS and read_headline(value).state is None


def tells(name: str) -> bool:
    """Return True if the value of a row says what happened, such as `Message: dump failed`."""
    return name in _TELLING


def tags_in(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that a label lists, such as `tags`: `env:prod, service:cart`."""
    tags: dict[str, str] = {}
    for name, text in labels.items():
        if name in _TAGS:
            for match in _TAG.finditer(text[:2_000]):
                tags.setdefault(match[1].lower(), match[2])
    return tags
