"""The behaviours that `make mutants` removes, one at a time, by package.

Those of the gateway stand in `gateway` and `executors`, those of the store and the handlers in
`store_and_handlers`, those of the memory of incidents in `memory`.
"""

from __future__ import annotations

from tests.mutants.executors import EXECUTORS
from tests.mutants.gateway import GATEWAY
from tests.mutants.memory import MEMORY
from tests.mutants.mutant import Mutant
from tests.mutants.store_and_handlers import STORE_AND_HANDLERS

BLOCKERS = "tests/approvals/test_blockers.py"
WIRING = "tests/scenarios/test_wiring.py"

MUTANTS = [
    # people in Slack
    Mutant(
        "store/operations/digests.py",
        "_is_empty",
        "tests/store/test_contract_digests.py",
        returns="False",
    ),
    Mutant(
        "bot/incidents/digests.py",
        "Digest.due_at",
        "tests/incidents/test_digests.py",
        returns="now",
    ),
    Mutant(
        "handlers/listeners/context.py",
        "holds_button",
        "tests/handlers/test_home_tabs.py",
        returns="True",
    ),
    Mutant(
        "store/operations/news.py",
        "_is_so",
        "tests/store/test_contract_flapping.py",
        returns="True",
    ),
    # retrieval
    Mutant(
        "bot/retrieval/search.py",
        "RunbookSearch._fits",
        "tests/retrieval/test_quality.py",
        returns="True",
    ),
    Mutant(
        "bot/retrieval/search.py",
        "RunbookSearch._best_passage",
        "tests/retrieval/test_search.py",
        returns="self._passages[document][0]",
    ),
    # incidents
    Mutant(
        "bot/incidents/correlation.py",
        "could_share_fingerprint",
        "tests/incidents tests/store/test_contract_folding.py",
        returns="True",
    ),
    Mutant(
        "bot/incidents/alternation.py",
        "alternates",
        "tests/store/test_contract_alternation.py",
        returns="True",
    ),
    Mutant(
        "store/operations/candidates.py",
        "_ends_an_earlier_firing",
        "tests/store/test_contract_late_resolves.py",
        returns="False",
    ),
    Mutant(
        "bot/incidents/episodes.py",
        "_is_within",
        "tests/incidents/test_episodes.py",
        returns="True",
    ),
    Mutant(
        "store/operations/track_record.py",
        "_came_back",
        "tests/store/test_contract_episodes.py tests/store/test_contract_guards.py",
        returns="False",
    ),
    Mutant("bot/incidents/environments.py", "folded", "tests/incidents", returns="text"),
    Mutant("bot/incidents/routes.py", "_covers", "tests/incidents/test_routes.py", returns="False"),
    Mutant("bot/incidents/routes.py", "channel_of", "tests/incidents/test_routes.py", returns="''"),
    Mutant("bot/incidents/keys.py", "is_sop_id", "tests/incidents", returns="True"),
    Mutant("bot/incidents/keys.py", "normalise", "tests/incidents", returns="part"),
    Mutant("bot/incidents/confusables.py", "one_stroke", "tests/handlers/views", returns="text"),
    Mutant("bot/incidents/sops.py", "specificity", "tests/incidents", returns="(0, 0, 0)"),
    Mutant(
        "bot/incidents/addresses.py",
        "has_userinfo",
        "tests/incidents tests/test_policy.py",
        returns="False",
    ),
    # intake
    Mutant("bot/intake/cleaning.py", "cut", "tests/intake", returns="text"),
    Mutant("bot/intake/cleaning.py", "http_url", "tests/intake", returns="text"),
    Mutant(
        "bot/intake/cleaning.py",
        "storable",
        "tests/intake tests/store/test_alert_json.py tests/store/test_statements.py",
        returns="value",
    ),
    Mutant("bot/intake/times.py", "is_zero_time", "tests/intake", returns="False"),
    Mutant("bot/intake/guesses.py", "severity_in", "tests/intake", returns="''"),
    Mutant(
        "bot/intake/general_message.py",
        "status_of_message",
        "tests/intake",
        returns="(title.headline.state or message.colour, 'colour')",
    ),
    Mutant("bot/intake/bracket_titles.py", "group_identity", "tests/intake", returns="{}"),
    Mutant("bot/intake/states.py", "unseparated_state", "tests/field tests/intake", returns="None"),
    Mutant("bot/intake/colours.py", "colour_state", "tests/field tests/intake", returns="None"),
    Mutant("bot/intake/activity.py", "reported_action", "tests/field tests/intake", returns="None"),
    Mutant("bot/intake/flags.py", "status_by_flag", "tests/intake", returns="None"),
    Mutant("bot/intake/senders/paging_apps.py", "parse_message", "tests/intake", returns="None"),
    Mutant("bot/intake/mappings.py", "text_of", "tests/intake", returns="str(value)"),
    Mutant(
        "bot/incidents/known_services.py",
        "with_known_service",
        "tests/incidents/test_known_services.py",
        returns="alert",
    ),
    Mutant("bot/intake/__init__.py", "_parsers_for", "tests/intake", returns="iter(())"),
    # nats
    Mutant("bot/nats/subjects.py", "covers", "tests/nats", returns="True"),
    Mutant("bot/nats/anomalies.py", "_parsed", "tests/nats", returns="[]"),
    Mutant("bot/nats/messages.py", "ship_of", "tests/nats", returns="incident.env"),
    Mutant("bot/nats/messages.py", "_quoted", "tests/nats", returns="incident.tracking_id"),
    Mutant("bot/nats/messages.py", "_short", "tests/nats", returns="text"),
    Mutant(
        "store/operations/publications.py",
        "forget",
        "tests/store/test_contract_publications.py",
        without="DELETE FROM published",
    ),
    # advice
    Mutant("bot/advice/cleaning.py", "strip_terminal", "tests/advice", returns="str(raw)"),
    Mutant("bot/advice/claims.py", "marked", "tests/advice", returns="text"),
    Mutant("bot/advice/prompt.py", "defused", "tests/advice", returns="prompt"),
    Mutant("bot/advice/safe_commands.py", "_bad_of_own", "tests/advice", returns="[]"),
    Mutant("bot/serving/programs.py", "_limit_memory", "tests/advice", returns="None"),
    Mutant("bot/advice/chain.py", "_refuse_while_paused", "tests/advice", returns="None"),
    Mutant("bot/advice/chain.py", "_share_ends", "tests/advice", returns="deadline"),
    Mutant("bot/advice/member.py", "_remember", "tests/advice", returns="None"),
    Mutant("bot/advice/agent_file.py", "ensure_agent", "tests/advice", returns="None"),
    Mutant("bot/advice/kinds/acp_session.py", "_tool", "tests/advice", returns="None"),
    Mutant("bot/advice/kinds/openai.py", "_is_about_format", "tests/advice", returns="False"),
    # approvals
    Mutant("bot/approvals/policy.py", "no_vote", "tests/approvals", returns="''"),
    Mutant("bot/approvals/blockers.py", "_ended", BLOCKERS, returns="None"),
    Mutant("bot/approvals/blockers.py", "_context_changed", BLOCKERS, returns="None"),
    Mutant("bot/approvals/blockers.py", "_fails_last_check", BLOCKERS, returns="None"),
    Mutant("bot/approvals/blockers.py", "_too_few_approvers", BLOCKERS, returns="None"),
    Mutant("bot/approvals/blockers.py", "_trail_disputed", BLOCKERS, returns="None"),
    Mutant("bot/approvals/blockers.py", "_frozen", BLOCKERS, returns="None"),
    Mutant("bot/approvals/blockers.py", "_request_missing", BLOCKERS, returns="None"),
    Mutant("bot/approvals/blockers.py", "_outside_window", BLOCKERS, returns="None"),
    Mutant("bot/approvals/blockers.py", "_did_not_help", BLOCKERS, returns="None"),
    Mutant("bot/approvals/blockers.py", "_target_busy", BLOCKERS, returns="None"),
    Mutant("bot/approvals/blockers.py", "_target_cooling", BLOCKERS, returns="None"),
    Mutant("bot/approvals/blockers.py", "_breaker_open", BLOCKERS, returns="None"),
    Mutant("bot/approvals/blockers.py", "_budget_spent", BLOCKERS, returns="None"),
    Mutant(
        "bot/incidents/time_windows.py",
        "in_window",
        "tests/incidents/test_time_windows.py tests/approvals",
        returns="True",
    ),
    Mutant(
        "bot/incidents/silences.py",
        "_is_specific",
        "tests/incidents/test_silences.py",
        returns="True",
    ),
    Mutant(
        "store/operations/incidents.py",
        "is_quiet",
        "tests/store/test_contract_mutes.py",
        returns="False",
    ),
    Mutant(
        "bot/setting_groups.py",
        "GatewayGroup._no_downgrade",
        "tests/test_settings.py",
        returns="self",
    ),
    # remediation
    Mutant("bot/remediation/answers.py", "says_nothing_ran", "tests/remediation", returns="True"),
    Mutant(
        "bot/remediation/contract.py",
        "sign",
        "tests/remediation tests/gateway/test_auth.py",
        returns="''",
    ),
    Mutant("bot/remediation/contract.py", "capped", "tests/remediation", returns="text"),
    Mutant(
        "bot/remediation/transport.py",
        "_read_capped",
        "tests/remediation",
        returns="await response.content.read()",
    ),
    # serving and web
    Mutant("bot/serving/log_lines.py", "redact", "tests/serving", returns="text"),
    Mutant("bot/serving/log_lines.py", "one_line", "tests/serving", returns="text"),
    Mutant(
        "bot/serving/arrivals.py",
        "begin",
        "tests/serving/test_arrivals.py tests/serving/test_connections.py",
        without="if self._gate.unfinished >= self._limits.arrivals",
    ),
    Mutant(
        "bot/serving/connections.py",
        "_is_encoded",
        "tests/serving tests/scenarios/test_attack_wild_requests.py",
        returns="False",
    ),
    Mutant("bot/serving/gate.py", "_network_of", "tests/serving", returns="str(host)"),
    Mutant(
        "bot/web/access.py",
        "bearer_only.check",
        "tests/scenarios/test_http_endpoints.py",
        returns="await handler(request)",
    ),
    Mutant("bot/web/sns.py", "_is_signed_by", "tests/web", returns="True"),
    # observability, settings, hardening
    Mutant("bot/observability/health.py", "_age", "tests/observability", returns="0.0"),
    Mutant("bot/hardening.py", "hide_memory", "tests/test_hardening.py", returns="None"),
    Mutant("bot/hardening.py", "forget_variables", "tests/test_hardening.py", returns="None"),
    Mutant(
        "bot/regular_files.py",
        "read_regular",
        "tests/test_regular_files.py",
        returns="path.read_text()",
    ),
    Mutant("bot/setting_types.py", "check_token", "tests/test_settings.py", returns="token"),
    # steps
    Mutant("bot/steps/runner.py", "StepRunner._run_of", "tests/steps", returns="step.run"),
    Mutant("bot/steps/runner.py", "_while_there_is_work", "tests/steps", without="if work in done"),
    Mutant("bot/steps/step.py", "Pool.finish", "tests/response/test_parallel.py", returns="None"),
    Mutant(
        "bot/response/policy_reload.py", "PolicyReload.take", WIRING, without="current = current"
    ),
    Mutant("bot/app.py", "Bot._start", WIRING, without="self.runner.start_clock()"),
    # response
    Mutant(
        "bot/response/service.py",
        "IncidentService.settle",
        "tests/response/test_settle.py",
        returns="None",
    ),
    Mutant("bot/response/verify.py", "_over_before", "tests/response", returns="False"),
    Mutant("bot/response/dispatches.py", "_bar_revoked", "tests/response", returns="None"),
    Mutant("bot/response/proposal_parts.py", "is_seen", "tests/response", returns="True"),
    *GATEWAY,
    *EXECUTORS,
    *MEMORY,
    *STORE_AND_HANDLERS,
]
