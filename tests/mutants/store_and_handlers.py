"""The behaviours of the store and the handlers that `make mutants` removes, one at a time."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

STORE_AND_HANDLERS = [
    Mutant(
        "handlers/outbound/class_limits.py",
        "ClassLimits.delivered",
        "tests/handlers tests/scenarios/burst",
        returns="None",
    ),
    Mutant(
        "store/operations/opening.py",
        "open_new",
        "tests/store tests/incidents",
        without="yield _map_sop",
    ),
    # store
    Mutant(
        "handlers/views/possible_actions.py",
        "whole",
        "tests/handlers/views/test_long_messages.py",
        without="length += ",
    ),
    Mutant(
        "bot/incidents/ourselves.py",
        "is_about_ourselves",
        "tests/scenarios/test_alerts_about_the_bot.py",
        returns="False",
    ),
    Mutant(
        "bot/web/rate_limit.py",
        "Buckets.take",
        "tests/web/test_rate_limit.py",
        returns="0.0",
    ),
    Mutant(
        "bot/backups/schedule.py",
        "Schedule.is_due",
        "tests/backups/test_schedule.py",
        returns="last is None",
    ),
    Mutant(
        "bot/backups/scheduled.py",
        "make_backup",
        "tests/backups/test_scheduled_backups.py",
        without="drill(",
    ),
    Mutant(
        "bot/backups/folder.py",
        "prune_folder",
        "tests/backups/test_scheduled_backups.py",
        returns="[]",
    ),
    Mutant(
        "store/operations/running.py",
        "note_progress",
        "tests/store/test_contract_progress.py",
        without="incidents.reply",
    ),
    Mutant(
        "handlers/views/running.py",
        "on_its_way",
        "tests/handlers/views/test_approval.py",
        without="execution.progress is None",
    ),
    Mutant(
        "bot/response/cancellations.py",
        "Cancellations._cancel",
        "tests/scenarios/test_gateway_reads.py",
        without="await self._decisions.check_decider(approval, user)",
    ),
    Mutant(
        "store/operations/disputes.py",
        "of_trail",
        "tests/store/test_contract_disputes.py",
        returns="''",
    ),
    Mutant(
        "store/operations/standing_advice.py",
        "replace_former",
        "tests/store/test_contract_standing_advice.py",
        without="UPDATE advice",
    ),
    Mutant(
        "store/operations/standing_advice.py",
        "end",
        "tests/store/test_contract_standing_advice.py",
        without="asking_since",
    ),
    Mutant(
        "bot/response/suggestions.py",
        "Suggestions.shown",
        "tests/scenarios/test_answers_of_a_model.py",
        returns="await self.matched(record)",
    ),
    Mutant(
        "store/operations/lessons.py",
        "remove",
        "tests/store/test_contract_lessons.py",
        without="audit.record",
    ),
    Mutant(
        "bot/response/lessons.py",
        "Lessons.remove",
        "tests/scenarios/test_sop_commands.py",
        without="_check_approver",
    ),
    Mutant(
        "store/operations/trust.py",
        "_contradicts",
        "tests/store/test_contract_checked_requests.py",
        returns="False",
    ),
    Mutant(
        "store/operations/candidates.py",
        "is_overtaken",
        "tests/store/test_contract_order.py",
        returns="False",
    ),
    Mutant(
        "store/operations/senders.py",
        "by_them",
        "tests/store/test_contract_senders.py",
        returns="('1 = 1', ())",
    ),
    Mutant(
        "store/operations/executions.py",
        "claim",
        "tests/store/test_contract_guards.py tests/store/test_contract_limits.py",
        without="revoke_siblings",
    ),
    Mutant(
        "store/operations/transitions.py",
        "announce",
        "tests/store/test_contract_transitions.py",
        returns="None",
    ),
    Mutant(
        "store/operations/new_approvals.py",
        "_refuse_a_second",
        "tests/store/test_contract_proposed_twice.py",
        returns="None",
    ),
    Mutant("store/audit/chain.py", "_follow_freezes", "tests/store", returns="None"),
    Mutant(
        "store/engines/sqlite_watch.py",
        "check",
        "tests/store/test_sqlite_while_open.py",
        returns="None",
    ),
    Mutant(
        "store/engines/sqlite_groups.py",
        "_one_by_one",
        "tests/store/test_sqlite.py tests/store/test_contract_engine.py",
        without="_attempt",
    ),
    Mutant(
        "store/admin/moves.py",
        "_must_be_free",
        "tests/store/test_transfer.py tests/store/test_restores.py tests/test_store_command.py",
        returns="None",
    ),
    Mutant(
        "store/engines/processor_waits.py",
        "ProcessorWaits.seconds",
        "tests/store/test_processor_waits.py",
        returns="1.0",
    ),
    # handlers
    Mutant(
        "handlers/inbound/alert_receiver.py",
        "AlertChannels.is_by_source",
        "tests/handlers/test_alert_receiver.py",
        returns="True",
    ),
    Mutant(
        "handlers/listeners/context.py",
        "_is_stolen",
        "tests/handlers tests/scenarios/test_attack_forged_presses.py",
        returns="False",
    ),
    Mutant("handlers/views/text.py", "escape", "tests/handlers/views", returns="text"),
    Mutant("handlers/views/text.py", "imitates_bot", "tests/handlers/views", returns="False"),
    Mutant(
        "handlers/outbound/metadata.py", "key_of", "tests/handlers/test_metadata.py", returns="None"
    ),
    Mutant(
        "handlers/outbound/rate_limiter.py",
        "wait",
        "tests/handlers/test_rate_limiter.py",
        returns="0.0",
    ),
]
