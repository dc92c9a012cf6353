"""Azure Monitor: the common alert schema, and the older forms of metric, log and activity alerts.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses, states
from bot.intake.drafting import Draft
from bot.intake.fields import an_object, list_at, text_at, time_at, value_at, wrong

_COMMON = "azureMonitorCommonAlertSchema"
_OLDER = ("AzureMonitorMetricAlert", "Microsoft.Insights/LogAlert",
          "Microsoft.Insights/activityLogs")  # fmt: skip
# Azure counts from Sev0; elsewhere Sev1 is the most severe.
_GUESSED = {"env": "guess", "category": "guess"}
_SEVERITIES = {"0": "critical", "1": "high", "2": "medium", "3": "low", "4": "low"}


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for a form that names its schema."""
    return body.get("schemaId") in (_COMMON, *_OLDER)


def parse_body(body: object) -> list[Alert]:
    """Parse one notification of an action group."""
    whole = an_object(body, "body")
    schema = text_at(whole, "schemaId")
    if schema == _COMMON:
        return [_common(whole)]
    if schema in _OLDER:
        return [_older(whole, schema)]
    raise wrong("schemaId", f'"{_COMMON}" or an older schema of Azure')


def _common(whole: Mapping[str, Any]) -> Alert:
    essentials = value_at(whole, "data.essentials")
    context = value_at(whole, "data.alertContext")
    target = text_at(essentials, "alertTargetIDs.0")
    item = text_at(essentials, "configurationItems.0")
    condition = value_at(context, "condition.allOf.0")
    return _alert(
        whole,
        rule=text_at(essentials, "alertRule"),
        state=text_at(essentials, "monitorCondition"),
        severity=text_at(essentials, "severity"),
        target=target,
        item=item,
        description=text_at(essentials, "description"),
        condition=condition,
        dimensions=_dimensions(condition),
        starts_at=time_at(essentials, "firedDateTime"),
        ends_at=time_at(essentials, "resolvedDateTime"),
        links=[
            ("Alert", text_at(essentials, "investigationLink")),
            ("Results", text_at(condition, "linkToFilteredSearchResultsUI")),
            ("Results", text_at(condition, "linkToSearchResultsUI")),
        ],
    )


def _older(whole: Mapping[str, Any], schema: str) -> Alert:
    data, context = value_at(whole, "data"), value_at(whole, "data.context")
    log = value_at(context, "activityLog")
    condition = value_at(context, "condition.allOf.0")
    return _alert(
        whole,
        rule=text_at(data, "AlertRuleName", "context.name") or text_at(log, "operationName"),
        state=text_at(data, "status"),
        severity=text_at(data, "Severity", "context.severity") or text_at(log, "level"),
        target=text_at(context, "resourceId") or text_at(log, "resourceId"),
        item=text_at(context, "resourceName") or text_at(data, "AffectedConfigurationItems.0"),
        description=text_at(data, "Description", "context.description")
        or text_at(log, "description", "properties.title"),
        condition=condition,
        dimensions=_dimensions(condition),
        starts_at=time_at(context, "timestamp") or time_at(data, "SearchIntervalEndtimeUtc"),
        ends_at=None,
        links=[
            ("Alert", text_at(context, "portalLink")),
            ("Results", text_at(data, "LinkToSearchResults")),
        ],
        kind=schema,
    )


def _resource(target: str) -> tuple[str, str]:
    """Return the name of a target's resource and that of its group, each '' if there is none.

    The target of a subscription's alert is the subscription: its GUID is no service.
    """
    groups = target.lower().split("/resourcegroups/")
    group = groups[1].split("/")[0] if len(groups) > 1 else ""
    return target.rsplit("/", 1)[-1] if "/providers/" in target.lower() else "", group


def _alert(
    whole: Mapping[str, Any],
    *,
    rule: str,
    state: str,
    severity: str,
    target: str,
    item: str,
    description: str,
    condition: object,
    dimensions: Mapping[str, str],
    kind: str = "",
    **more: Any,
) -> Alert:
    if not rule:
        raise wrong("data", "an alert with the name of its rule")
    resource, group = _resource(target)
    service = dimensions.get("service", "") or resource or item
    status = states.status_of(state)
    starts_at, ends_at = more.pop("starts_at"), more.pop("ends_at")
    if status is AlertStatus.RESOLVED and kind:
        starts_at, ends_at = None, starts_at
    return Draft(
        source="azure",
        status=status,
        name=rule,
        title=f"{rule} on {service}" if service else rule,
        text=description,
        env=guesses.env_inside(group) or guesses.env_inside(rule),
        service=service,
        severity=_SEVERITIES.get(severity.lower().removeprefix("sev"), severity),
        category=guesses.category_of(rule) or guesses.category_of(text_at(condition, "metricName")),
        labels={
            "resource": resource,
            "resource_group": group,
            "metric_name": text_at(condition, "metricName"),
            "azure_severity": severity,
            "azure_state": state,
            **dimensions,
        },
        value=text_at(condition, "metricValue"),
        threshold=text_at(condition, "threshold"),
        starts_at=starts_at,
        ends_at=ends_at,
        # The alert's id is another one each time that the rule fires.
        identity={"rule": rule, "target": target.lower() or item, **dimensions},
        read_from={"status": "field" if states.state_of(state) else "guess", **_GUESSED},
        raw=whole,
        **more,
    ).alert()


def _dimensions(condition: object) -> dict[str, str]:
    return {
        name: text_at(pair, "value")
        for pair in list_at(condition, "dimensions")
        if (name := text_at(pair, "name"))
    }
