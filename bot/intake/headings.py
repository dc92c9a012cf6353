"""Knows the headings that a sender or a template writes over every message, whatever it is about.

`Grafana`, `🚨 CRITICAL ALERT 🚨`, `Database Alert`, `Description`: two alerts with the same heading
are not the same alert, so the line below names it.
"""

from __future__ import annotations

import re

from bot.incidents.severity_words import known_severity
from bot.intake import states
from bot.intake.cleaning import parse_words, title_of
from bot.intake.headline import Headline
from bot.intake.slack_text import bare

_MENTIONS = re.compile(r"(?:\[[^\]]{1,80}\]\s*)+")
# Names of tools that people put over every message.
_TOOLS = parse_words(
    "grafana prometheus alertmanager zabbix nagios icinga datadog sentry pagerduty opsgenie splunk"
    " gatus pingdom uptimerobot jenkins gitlab github cloudwatch kibana elastic graylog netdata"
    " checkmk prtg monit bot slack webhook system team ops devops sre actions circleci"
    " 监控报警 监控告警 监控恢复 告警通知 报警通知 告警信息 异常告警 恢复通知"
)
# With one of these a heading says that an alert follows, and no more.
_ANNOUNCES = parse_words(
    "alert alerts alarm alarms notification notifications event message warning alerta alerte"
    " allarme alarme meldung benachrichtigung alarmmeldung alarmbenachrichtigung störungsmeldung"
    " warnmeldung statusmeldung notificación notificacion notificaciones notificação notificacao"
    " notifica notifiche avviso aviso avis alertas alertes allarmi alarmas alarmes"
    " 告警 报警 アラート 通知"
)
_TOPICS = parse_words(
    "database databases db business metrics security infrastructure infra platform application app"
    " production prod staging dev slo sla cluster kubernetes k8s server service network backend"
    " frontend health check error errors high low new channel data custom default test"
    " dienst dienste datenbank plattform infrastruktur anwendung netzwerk überwachung produktion"
    " services servicio servicios serviço servico serviços servizio servizi système système"
    " sistema sistemas sistemi serveur servidor réseau red rede rete plateforme plataforma"
    " piattaforma aplicación aplicação applicazione base datos données dados dati banco banca"
    " surveillance supervision monitoreo monitoramento monitoraggio producción produção produzione"
    " des do da dos das di del della dei delle el la le les il lo y et und e sur zur zum der die"
)
# What Chinese and Japanese headings consist of, without a space between the words.
_RUN_TOPICS = parse_words(
    "服务器 服务 系统 应用 数据库 网络 业务 平台 监控 生产 环境 主机 集群 服務 系統 應用 資料庫"
    " 監控 サービス システム アプリケーション アプリ データベース サーバー サーバ ネットワーク"
    " 監視 運用 本番環境 本番 インフラ 障害 故障 异常 異常 发生 發生 発生 恢复 恢復 復旧 触发 の"
)
_RUN_ANNOUNCES = parse_words(
    "告警 报警 警报 告警信息 警報 アラート 通知 消息 信息 提醒 お知らせ 連絡 通報 メッセージ"
)
_RUN_WORDS = sorted((*_RUN_TOPICS, *_RUN_ANNOUNCES), key=len, reverse=True)
_LONGEST_RUN = 30
_ELISION = re.compile(r"(?:d|l|dell|sull|all|nell|de l)'")
_RUN_ENDINGS = ("信息", "通知", "消息", "提醒", "のお知らせ", "连絡", "連絡")  # "news of …"
_EMOJI = re.compile(r":[a-z0-9_+'-]{1,60}:?(?=\s|$)", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}")  # of which nothing is said
_PARTS = parse_words(
    "description details summary message output information info attachment labels annotations"
)


def is_heading(headline: Headline, text: str, sender: frozenset[str], names: str = "") -> bool:
    """Return True if a line says nothing of its own.

    `sender` are the words of the sender's name. `names` is a label that names what the message is
    about: beside it the kind of thing that failed ("Job failed") is a heading too.
    """
    if _MENTIONS.fullmatch(title_of(bare(text))):
        return True
    if _is_announcing_run(text):
        return True
    title = states.folded(_EMOJI.sub(" ", headline.title))
    tokens = [_ELISION.sub("", word) for word in title.split()]
    own = [word.strip(".,:;!*_~`[](){}#-–—") for word in tokens]
    own = [word for word in own if any(character.isalnum() for character in word)]
    left = [word for word in own if not _is_idle(word, sender)]
    if len(own) == 1 and known_severity(own[0]) is not None:
        return True
    if not left or (len(own) == 1 and (own[0] in _PARTS or _HOST.fullmatch(own[0]))):
        return True
    if names and states.KINDS.issuperset(left):
        return True
    announces = not _ANNOUNCES.isdisjoint(own)
    return announces and all(
        word in _TOPICS or word in _ANNOUNCES or known_severity(word) for word in left
    )


def _is_announcing_run(text: str) -> bool:
    """Return True for `服务告警通知` and `【サービスアラート通知】`: an alert follows, about no
    matter what.
    """
    run = _EMOJI.sub("", text[:200]).strip(" \t*_~`#[]【】「」『』（）()!！:：🚨🔥⚠️✅🔴🟢")
    if run.isascii() or len(run) > _LONGEST_RUN:
        return False
    announces = False
    while word := next((word for word in _RUN_WORDS if run.startswith(word)), ""):
        announces = announces or word in _RUN_ANNOUNCES
        run = run.removeprefix(word)
    return announces and not run


def _is_idle(word: str, sender: frozenset[str]) -> bool:
    if word in states.FILLERS or word in states.STATE_WORDS or word in sender or word in _TOOLS:
        return True
    run = states.unseparated_state(word)
    return run is not None and run[0] == 0 and word.endswith(_RUN_ENDINGS)
