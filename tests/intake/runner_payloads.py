"""Builds what deployment and job runners send: trouble, reminder, higher severity, end.

The builders take the same as those of `infra_payloads`.
"""

from __future__ import annotations

from typing import Any

from tests.intake.infra_payloads import START, Builder, fields, slack


def flux_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "involvedObject": {
            "kind": "HelmRelease", "namespace": "shop", "name": subject, "uid": f"u-{subject}",
            "apiVersion": "helm.toolkit.fluxcd.io/v2", "resourceVersion": str(number)},
        "severity": "info" if is_over else "error", "timestamp": f"2026-11-22T09:0{number}:00Z",
        "message": f"Helm upgrade succeeded for release shop/{subject}.v{number}" if is_over
        else f"Helm upgrade failed for release shop/{subject}.v{number}: timed out",
        "reason": "UpgradeSucceeded" if is_over else "UpgradeFailed",
        "metadata": {"revision": f"1.{number}.0"},
        "reportingController": "helm-controller", "reportingInstance": f"helm-controller-{number}",
    }  # fmt: skip


def flux_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return slack("flux", number, attachments=[{
        "color": "good" if is_over else "danger", "author_name": f"helmrelease/{subject}.shop",
        "text": f"Helm upgrade succeeded for release shop/{subject}.v{number}" if is_over
        else f"Helm upgrade failed for release shop/{subject}.v{number}: timed out",
        "mrkdwn_in": ["text"],
        "fields": [{"title": "revision", "value": f"1.{number}.0", "short": False}],
    }])  # fmt: skip


def argo_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    link = "https://cd.example/applications/" + subject
    text = (
        f":white_check_mark: Application {subject} has been successfully synced at 09:0{number}."
        if is_over else f":exclamation: The sync operation of application {subject} has failed at "
        f"2026-11-22T09:0{number}:00Z with the following error: one or more objects failed"
    )  # fmt: skip
    return slack("Argo CD", number, text=f"{text}\nSync operation details are available at: {link}",
        attachments=[{"title": subject, "title_link": link,
            "color": "#18be52" if is_over else "#E96D76",
            "fields": fields(Sync_Status="Synced" if is_over else "OutOfSync",
                              Repository=f"https://git.example/{subject}")}])  # fmt: skip


def argo_health_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    link = "https://cd.example/applications/" + subject
    text = (
        f":white_check_mark: Application {subject} is now running new version of deployments."
        if is_over else f":exclamation: Application {subject} has degraded."
    )  # fmt: skip
    return slack("Argo CD", number, text=f"{text}\nApplication details: {link}.",
        attachments=[{"title": subject, "title_link": link,
            "color": "#18be52" if is_over else "#f4c030",
            "fields": fields(Health_Status="Healthy" if is_over else "Degraded",
                              Repository=f"https://git.example/{subject}")}])  # fmt: skip


def argo_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "app": {"metadata": {"name": subject, "namespace": "argocd"},
                "spec": {"project": "shop", "destination": {"namespace": "shop-prod"}},
                "status": {"sync": {"status": "Synced" if is_over else "OutOfSync",
                                    "revision": f"abc{number}"},
                           "health": {"status": "Healthy" if is_over else "Degraded"},
                           "operationState": {"phase": "Succeeded" if is_over else "Failed",
                                              "message": f"attempt {number}"}}},
    }  # fmt: skip


def botkube_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    kind = "Healthy" if is_over else "error"
    return slack("botkube", number, text="", blocks=[
        {"type": "section", "text": {"type": "mrkdwn",
            "text": f"*{':large_green_circle:' if is_over else ':exclamation:'} v1/pods {kind}*"}},
        {"type": "section", "fields": [
            {"type": "mrkdwn", "text": f"*{name}:* {value}"} for name, value in (
                ("Kind", "Pod"), ("Name", subject), ("Namespace", "shop"),
                ("Reason", "BackOff"), ("Type", kind), ("Cluster", "prod-eu1"))]},
        {"type": "section", "text": {"type": "mrkdwn",
            "text": f"*Messages*\n• Back-off restarting failed container, {number} times\n"}},
    ])  # fmt: skip


def robusta_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    firing = f"`Prometheus Alert Firing` {'🔴 High' if is_severe else '🟡 Medium'}"
    head = "`Prometheus resolved` ✅" if is_over else firing
    return slack("Robusta", number, attachments=[{
        "color": "#00B302" if is_over else "#EF311F",
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": head}},
            {"type": "section", "text": {"type": "mrkdwn",
                "text": f"*<https://ro.example/a?{number}|Queue of {subject} is full>*"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "*Source:* `prod-eu1`"}},
            {"type": "section", "text": {"type": "mrkdwn",
                "text": f":memo: {number} messages wait\n*Alert labels*\n• alertname `QueueFull`\n"
                        f"• service `{subject}`\n• namespace `shop`"}},
        ]}])  # fmt: skip


def robusta_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "title": ("[RESOLVED] " if is_over else "") + f"Queue of {subject} is full",
        "description": f"{number} messages wait", "aggregation_key": "QueueFull",
        "severity": "HIGH" if is_severe else "LOW", "source": "prometheus",
        "subject": {"name": subject, "subject_type": "deployment", "namespace": "shop",
                    "labels": {"alertname": "QueueFull"}},
        "cluster_name": "prod-eu1", "starts_at": f"2026-11-22T09:0{number}:00Z",
        "account_id": "a", "id": f"finding-{number}",
    }  # fmt: skip


def kubewatch_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "eventmeta": {"kind": "pod", "name": subject, "namespace": "shop", "reason": "updated"},
        "text": f"pod {subject} in namespace shop is not ready, restart {number}",
        "time": f"2026-11-22T09:0{number}:00Z",
    }  # fmt: skip


def event_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "metadata": {"name": f"{subject}.17a{number}", "namespace": "shop", "uid": f"e-{number}"},
        "reason": "BackOff", "message": f"Back-off restarting failed container ({number})",
        "type": "Warning", "count": number, "source": {"component": "kubelet", "host": "node-4"},
        "firstTimestamp": "2026-11-22T09:00:00Z", "lastTimestamp": f"2026-11-22T09:0{number}:00Z",
        "involvedObject": {"kind": "Pod", "namespace": "shop",
                           "name": f"{subject}-7d9c6f5b8-x{'bcdfgh'[number]}k2p",
                           "labels": {"app": subject}}, "clusterName": "prod-eu1",
    }  # fmt: skip


def jenkins_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    word = "Back to normal" if is_over else "Failure"
    return slack("jenkins", number, attachments=[{
        "fallback": f"{subject} - #{number} {word} after {number} sec",
        "color": "good" if is_over else "danger",
        "text": f"{subject} - #{number} {word} after {number} sec (<https://ci.example/{number}|Open>)",
    }])  # fmt: skip


def jenkins_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "name": subject, "display_name": subject, "url": f"job/{subject}/",
        "build": {"full_url": f"https://ci.example/job/{subject}/{number}/", "number": number,
                  "phase": "FINALIZED", "status": "SUCCESS" if is_over else "FAILURE",
                  "url": f"job/{subject}/{number}/", "duration": number, "queue_id": number,
                  "timestamp": 1000 * (START + number)},
    }  # fmt: skip


def github_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "action": "completed",
        "workflow_run": {
            "id": 7000 + number, "name": "Release", "head_branch": "main", "run_number": number,
            "event": "push", "status": "completed", "display_title": f"Change {number}",
            "conclusion": "success" if is_over else "failure", "workflow_id": 11,
            "html_url": f"https://github.example/shop/{subject}/actions/runs/{number}",
            "head_sha": f"abc{number}", "run_started_at": f"2026-11-22T09:0{number}:00Z",
            "created_at": f"2026-11-22T09:0{number}:00Z"},
        "workflow": {"id": 11, "name": "Release", "state": "active"},
        "repository": {"name": subject, "full_name": f"shop/{subject}", "default_branch": "main"},
        "sender": {"login": "ana"},
    }  # fmt: skip


def github_check_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "action": "completed",
        "check_suite": {"id": 800 + number, "head_branch": "main", "head_sha": f"abc{number}",
                        "status": "completed", "conclusion": "success" if is_over else "timed_out",
                        "app": {"name": "GitHub Actions", "slug": "github-actions"},
                        "updated_at": f"2026-11-22T09:0{number}:00Z"},
        "repository": {"name": subject, "full_name": f"shop/{subject}"},
        "sender": {"login": "ana"},
    }  # fmt: skip


def github_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    word = "succeeded" if is_over else "failed"
    run = f"https://github.example/shop/{subject}/actions/runs/{number}"
    return slack("GitHub", number, attachments=[{
        "color": "2eb886" if is_over else "a30200",
        "fallback": f"[shop/{subject}] Release workflow run {word}",
        "pretext": f"Workflow run {word} in <https://github.example/shop/{subject}|shop/{subject}>",
        "title": f"Release #{number}", "title_link": run,
        "fields": fields(Status="Success" if is_over else "Failure", Duration=f"{number}m 3s",
                          Branch="main", Commit=f"abc{number}"),
    }])  # fmt: skip


def gitlab_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "object_kind": "pipeline",
        "object_attributes": {
            "id": 300 + number, "iid": number, "ref": "main", "sha": f"abc{number}",
            "status": "success" if is_over else "failed", "detailed_status": "passed" if is_over
            else "failed", "stages": ["build", "test"], "duration": number, "source": "push",
            "created_at": f"2026-11-22 09:0{number}:00 UTC",
            "finished_at": f"2026-11-22 09:1{number}:00 UTC",
            "url": f"https://git.example/shop/{subject}/-/pipelines/{number}"},
        "user": {"name": "Ana", "username": "ana"},
        "project": {"id": 1, "name": subject, "path_with_namespace": f"shop/{subject}",
                    "web_url": f"https://git.example/shop/{subject}", "default_branch": "main"},
        "commit": {"id": f"abc{number}", "message": f"Change {number}", "title": "Change",
                   "timestamp": "2026-11-22T09:00:00Z", "url": "https://git.example/c"},
        "builds": [{"id": number, "stage": "test", "name": "unit", "status": "failed"}],
    }  # fmt: skip


def gitlab_job_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "object_kind": "build", "ref": "main", "tag": False, "sha": f"abc{number}",
        "build_id": 900 + number, "build_name": "deploy", "build_stage": "deploy",
        "build_status": "success" if is_over else "failed", "build_duration": float(number),
        "build_created_at": f"2026-11-22 09:0{number}:00 UTC",
        "build_failure_reason": "unknown_failure" if is_over else "script_failure",
        "pipeline_id": 300 + number, "project_id": 1, "project_name": f"Shop / {subject}",
        "environment": {"name": "production"}, "user": {"name": "Ana"},
        "repository": {"name": subject, "homepage": f"https://git.example/shop/{subject}"},
    }  # fmt: skip


def gitlab_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    url = f"https://git.example/shop/{subject}"
    word = "has passed" if is_over else "has failed"
    head = (
        f"<{url}|shop/{subject}>: Pipeline <{url}/-/pipelines/{number}|#{number}> of branch "
        f"<{url}/-/commits/main|main> by Ana {word} in 00:0{number}"
    )
    return slack("GitLab", number, attachments=[{
        "fallback": f"Ana's pipeline has {'passed' if is_over else 'failed'}",
        "color": "good" if is_over else "danger", "text": head,
    }])  # fmt: skip


def airflow_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "dag_id": subject, "task_id": "load", "state": "success" if is_over else "failed",
        "execution_date": f"2026-11-{number:02}T00:00:00Z", "run_id": f"scheduled__{number}",
        "try_number": number, "context": {"environment": "production"},
    }  # fmt: skip


def airflow_slack(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    head = ":white_check_mark: Task Succeeded." if is_over else ":red_circle: Task Failed."
    return slack(
        "airflow",
        number,
        text=f"{head}\n*Task*: load\n*Dag*: {subject}\n"
        f"*Execution Time*: 2026-11-{number:02}T00:00:00+00:00\n*Log Url*: https://af.example/{number}",
    )


def dbt_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "accountId": 1, "webhookId": "wsu_1", "eventId": f"wev_{number}",
        "timestamp": f"2026-11-22T09:0{number}:00Z",
        "eventType": "job.run.completed" if is_over else "job.run.errored",
        "webhookName": "to sopbot",
        "data": {"jobId": "123", "jobName": f"{subject} models", "runId": str(4000 + number),
                 "environmentId": "1", "environmentName": "Production", "projectName": subject,
                 "projectId": "9", "runStatus": "Success" if is_over else "Errored",
                 "runStatusCode": 10 if is_over else 20, "runStatusMessage": None if is_over else
                 f"Runtime error {number}", "runReason": "Kicked off",
                 "runStartedAt": f"2026-11-22T09:0{number}:00Z", "runErroredAt": None},
    }  # fmt: skip


def spark_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "appId": f"application_17000_{number:04}", "appName": subject, "jobId": number,
        "state": "FINISHED" if is_over else "FAILED", "finalStatus": "SUCCEEDED" if is_over
        else "FAILED", "diagnostics": f"stage {number} aborted", "user": "etl", "queue": "default",
        "startedTime": 1000 * (START + number),
    }  # fmt: skip


def anomaly_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "schema_version": "3.0", "tracking_id": f"req-20261122-10111{number}-0a1b2c3d",
        "ts": f"2026-11-22T10:11:1{number}", "ship_id": "ferry-9", "domain": "net",
        "anomaly_type": "packet_loss", "metric_name": "loss_ratio", "metric_value": number / 10,
        "threshold": 0.05, "score": 0.95 if is_severe else 0.75, "detector": "ewma",
        "service": subject, "raw_msg": f"loss over {number} percent",
    }  # fmt: skip


def qproxy_http(subject: str, number: int, is_severe: bool, is_over: bool) -> Any:
    return {
        "service": subject, "category": "cpu", "severity": "critical" if is_severe else "warning",
        "region": "eu-north-1", "threshold": 85, "value": 80 + number,
        "status": "resolved" if is_over else "firing",
        "metadata": {"alert_name": "cpu high", "group_id": "g-77", "expression": "avg(cpu) > 85",
                     "alert_start_time": f"2026-11-22T10:0{number}:00Z"},
    }  # fmt: skip


FORMS: dict[str, tuple[str, str, Builder]] = {
    "flux_http": ("http", "flux", flux_http),
    "flux_slack": ("slack", "flux", flux_slack),
    "argo_slack": ("slack", "argocd", argo_slack),
    "argo_health_slack": ("slack", "argocd", argo_health_slack),
    "argo_http": ("http", "argocd", argo_http),
    "robusta_slack": ("slack", "robusta", robusta_slack),
    "robusta_http": ("http", "robusta", robusta_http),
    "jenkins_slack": ("slack", "jenkins", jenkins_slack),
    "jenkins_http": ("http", "jenkins", jenkins_http),
    "github_http": ("http", "github", github_http),
    "github_check_http": ("http", "github", github_check_http),
    "github_slack": ("slack", "github", github_slack),
    "gitlab_http": ("http", "gitlab", gitlab_http),
    "gitlab_job_http": ("http", "gitlab", gitlab_job_http),
    "gitlab_slack": ("slack", "gitlab", gitlab_slack),
    "airflow_http": ("http", "airflow", airflow_http),
    "airflow_slack": ("slack", "airflow", airflow_slack),
    "dbt_http": ("http", "dbt", dbt_http),
    "spark_http": ("http", "spark", spark_http),
    "qproxy_http": ("http", "qproxy", qproxy_http),
}
# An event and an anomaly say what happened once: they have no end.
ENDLESS: dict[str, tuple[str, str, Builder]] = {
    "kubewatch_http": ("http", "generic", kubewatch_http),
    "event_http": ("http", "kubernetes", event_http),
    "botkube_slack": ("slack", "kubernetes", botkube_slack),
    "anomaly_http": ("http", "anomaly", anomaly_http),
}
