"""Alert rules: a name, a sentence, a severity. Few alerts have a category label."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """An alert rule. `summary` may hold {service} and {value}."""

    name: str
    category: str
    summary: str
    severity: str = "critical"


ACUTE = (
    Trouble("HighErrorRate", "errors", "{service} answers {value} % of requests with 5xx"),
    Trouble("HighRequestLatency", "latency", "p99 latency of {service} is {value} ms", "warning"),
    Trouble("CPUThrottlingHigh", "cpu", "{value} % throttling of CPU in {service}", "warning"),
    Trouble("ContainerMemoryNearLimit", "memory", "{service} uses {value} % of its memory limit"),
    Trouble("QueueBacklogGrowing", "queue", "{value} messages wait for {service}", "warning"),
    Trouble("ServiceDown", "availability", "{service} has not answered for {value} s"),
)
BY_CALLER = (
    Trouble("HighErrorRate", "errors", "{service} answers {value} % of requests with 5xx"),
    Trouble("HighRequestLatency", "latency", "p99 latency of {service} is {value} ms", "warning"),
    Trouble("UpstreamTimeouts", "latency", "{service}: {value} upstream timeouts a minute"),
)
STORE_DOWN = {
    "db": Trouble("PostgresqlDown", "database", "{service} is down"),
    "postgres": Trouble(
        "PostgresqlTooManyConnections", "database", "{service} takes no connection"
    ),
    "redis": Trouble("RedisDown", "database", "{service} does not answer"),
    "kafka": Trouble("KafkaBrokersDown", "queue", "{value} brokers of {service} are down"),
    "mongo": Trouble("MongodbReplicaSetNoPrimary", "database", "{service} has no primary"),
}
SLOW = (
    Trouble(
        "CertificateExpiresSoon",
        "certificate",
        "the certificate of {service} ends in {value} days",
        "warning",
    ),
    Trouble(
        "DiskWillFillIn24Hours", "disk", "the volume of {service} is {value} % full", "warning"
    ),
    Trouble("BackupMissing", "", "no backup of {service} for {value} hours", "warning"),
)
OF_A_DEPLOY = (
    Trouble(
        "KubeDeploymentReplicasMismatch", "", "{service} has {value} of its replicas", "warning"
    ),
    Trouble("HighErrorRate", "errors", "{service} answers {value} % of requests with 5xx"),
    Trouble("HighRequestLatency", "latency", "p99 latency of {service} is {value} ms", "warning"),
    Trouble("KubePodCrashLooping", "", "a pod of {service} restarted {value} times", "warning"),
)
UNCATEGORISED = (
    Trouble("LedgerImbalance", "", "{service}: debit and credit differ by {value}"),
    Trouble("SettlementFileLate", "", "{service}: the settlement file is {value} minutes late"),
    Trouble("LicenceSeatsExceeded", "", "{service}: {value} seats are used", "warning"),
    Trouble("FraudScoreDrift", "", "{service}: the score drifts by {value}", "warning"),
    Trouble("TooManyRefunds", "", "{service}: {value} refunds an hour", "warning"),
    Trouble("StockNegative", "", "{service}: {value} articles below zero"),
)
