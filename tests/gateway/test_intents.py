from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.gateway.catalogue import ACTIONS, Catalogue
from bot.gateway.config import read_config
from bot.gateway.errors import Ambiguous, Invalid
from bot.gateway.intents import read_intent
from bot.remediation.catalogue import CATALOGUE
from bot.remediation.contract import ExecuteRequest, canonical_json

TARGETS = read_config(
    {
        "targets": {
            "checkout-api": {"executor": "process", "argv": ["serve", "--port", "1"]},
            "web": {"executor": "docker", "container": "web-1"},
            "etl": {
                "executor": "airflow",
                "version": 3,
                "url": "https://a.example",
                "dag": "etl",
                "token_env": "T",
            },
        }
    },
    environ={"T": "a-token"},
).targets
OFFERED = Catalogue(TARGETS)


@pytest.mark.parametrize(
    ("intent", "action"),
    [
        ("restart the service", "service.restart"),
        ("Restart the service.", "service.restart"),
        ("restart checkout-api", "service.restart"),
        ("restart the service checkout-api", "service.restart"),
        ("check container status", "service.status"),
        ("show service status and health", "service.status"),
        ("check if service is healthy", "service.status"),
        ("show recent logs", "service.logs"),
        ("show recent error logs", "service.logs"),
        ("stop the service", "service.stop"),
        ("stop checkout-api", "service.stop"),
        ("start the service", "service.start"),
        ("Show memory and CPU usage", "service.stats"),
    ],
)
def test_the_known_sentences_mean_their_actions(intent, action):
    assert read_intent(intent, "", "checkout-api") == (action, {})


PARAPHRASES = {
    ("service.restart",): (
        *("please restart the container", "Can you reboot checkout-api?", "bounce it"),
        *("do a graceful restart of the service", "stop and start the service", "restart it now"),
        *("turn the service off and on again", "recycle the process", "perform a restart"),
    ),
    ("service.stop",): (
        *("shut down the service", "take the service down", "turn off checkout-api", "halt it"),
        *("stop the service - scaling to 0 replicas", "please stop the app immediately"),
    ),
    ("service.start",): ("bring the service back up", "boot the app", "turn it on", "start again"),
    ("service.status",): (
        *(
            "is the service running?",
            "is checkout-api up?",
            "run a health check",
            "how is it doing",
        ),
        *("what is the status of the service", "check whether the container is running"),
    ),
    ("service.logs",): (
        *("tail the logs", "show me the latest error logs", "get logs of the service"),
        *("fetch the logs for checkout-api", "print the last log lines"),
    ),
    ("service.stats",): (
        *("check resources", "show memory usage", "how much memory does it use?"),
        *("get the CPU usage of checkout-api", "check resource usage"),
    ),
    ("service.scale", ("replicas", 3)): (
        *("scale checkout-api to 3 replicas", "scale up to 3", "run 3 instances of the service"),
        *("set the number of replicas to 3", "Please scale the service down to 3 copies."),
    ),
    ("service.rollout",): ("do a rolling restart", "replace the replicas one by one"),
    ("service.rollback",): ("roll back the service", "undo the last deployment", "rollback"),
    ("docker.update_resources", ("memory_mb", 512)): (
        *("set the memory limit to 512 MB", "raise memory of checkout-api to 0.5 GB"),
        *("limit memory to 512mib",),
    ),
    ("spark.kill_applications", ("application", "app-20260101120000-0001")): (
        *("kill the hung application app-20260101120000-0001",),
        *("please stop Spark application app-20260101120000-0001 now",),
    ),
    ("spark.kill_drivers", ("driver", "driver-20260101120000-0001")): (
        *("terminate the stuck driver driver-20260101120000-0001",),
    ),
    ("spark.resubmit", ("job", "nightly-etl")): (
        *("resubmit the job nightly-etl", "rerun the Spark job nightly-etl again, please"),
    ),
    ("yarn.kill_applications", ("application", "application_1700000000000_0001")): (
        *("kill application application_1700000000000_0001",),
    ),
    ("docker.update_resources", ("cpu_percent", 150)): (
        *("limit the CPU to 150 %", "set cpu limit of the service to 1.5 cores"),
        *("reduce cpu to 150 percent",),
    ),
    ("airflow.trigger",): (
        "trigger the DAG",
        "start a new run of checkout-api",
        "run the pipeline",
    ),
    ("airflow.clear_run",): (
        *("clear the failed tasks", "retry all failed tasks of the dag", "Rerun the failed run"),
    ),
    ("airflow.clear_task", ("task", "load_orders")): (
        *("clear the failed task load_orders", "please retry task load_orders of the DAG"),
    ),
    ("airflow.pause",): ("pause the DAG", "pause checkout-api please"),
    ("airflow.unpause",): ("unpause the dag", "resume the workflow"),
    ("airflow.runs",): ("show the last runs", "get recent runs of the DAG"),
}


def test_paraphrases_mean_the_same_action_with_its_value():
    for (action, *values), sentences in PARAPHRASES.items():
        for sentence in sentences:
            assert read_intent(sentence, "", "checkout-api") == (action, dict(values)), sentence


def test_words_that_could_mean_several_actions_mean_none_and_name_the_candidates():
    offered = OFFERED.offered("web")
    for sentence, candidates in (
        ("restart or stop the service", ("service.restart", "service.stop")),
        ("stop the service and show its logs", ("service.stop", "service.logs")),
        ("raise the memory", ("docker.update_resources",)),
        ("give it more cpu", ("docker.update_resources",)),
    ):
        with pytest.raises(Ambiguous) as caught:
            read_intent(sentence, "", "web", offered)
        assert caught.value.code == "LLM_ERROR"
        assert all(candidate in caught.value.message for candidate in candidates), sentence
    with pytest.raises(Ambiguous, match=r"airflow\.trigger .*airflow\.clear_run"):
        read_intent("restart the dag", "", "etl", OFFERED.offered("etl"))
    with pytest.raises(Ambiguous, match=r"service\.scale"):
        read_intent("scale up the service", "", "web")
    assert read_intent("Change the memory and CPU limits of the container", "", "web", offered) == (
        *("docker.update_resources", {}),
    )


@pytest.mark.parametrize("action", CATALOGUE.values(), ids=CATALOGUE)
def test_every_sentence_that_the_bot_sends_means_its_action_here(action):
    assert read_intent(action.intent, "", "checkout-api") == (action.id, {})
    assert action.id in ACTIONS


@pytest.mark.parametrize(
    ("intent", "context", "lines"),
    [
        ("show last 20 lines", "", 20),
        ("show the last 7 lines of the logs", "Requesting 9 lines", 7),
        ("show recent logs", "Requesting 120 lines, error level only", 120),
    ],
)
def test_a_number_of_lines_is_read(intent, context, lines):
    assert read_intent(intent, context, "web") == ("service.logs", {"lines": lines})


@pytest.mark.parametrize(
    "intent",
    [
        "",
        "do not restart the service",
        "restart the service and delete its data",
        "restart ledger",
        "execute command: restart",
        "restart the service; ls",
    ],
)
def test_a_sentence_that_no_rule_matches_whole_is_refused_with_the_known_ones(intent):
    with pytest.raises(Invalid, match="restart the service") as caught:
        read_intent(intent, "", "checkout-api")
    assert caught.value.code == "UNSUPPORTED_INTENT"


# Text without lone surrogates: JSON over the wire cannot carry those, see test_http.
plain_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
hostile = st.sampled_from(
    ["; ls", "$(ls)", "`ls`", "| sh", "&& ls", "\n ls", "--privileged", "../x", "web", "{}", "%s"]
)
texts = st.one_of(plain_texts, hostile, st.builds(str.__add__, st.sampled_from([
    "restart the service", "show recent logs", "check container status", "web", "checkout-api",
]), hostile))  # fmt: skip
values = st.one_of(st.none(), st.booleans(), st.integers(), texts, st.lists(texts, max_size=2))


@given(
    name=st.one_of(texts, st.sampled_from(sorted(TARGETS))),
    intent=texts,
    context=texts,
    action=st.none()
    | st.fixed_dictionaries(
        {
            "id": st.one_of(texts, st.sampled_from(sorted(ACTIONS))),
            "parameters": st.dictionaries(
                st.one_of(texts, st.sampled_from(["grace_seconds", "lines"])), values, max_size=3
            ),
        }
    ),
)
def test_only_declared_values_and_small_numbers_pass_for_any_text(name, intent, context, action):
    body = {
        "source_id": "s",
        "target_resource": {"name": name},
        "action_request": {"intent": intent, "context": context, "action": action},
    }
    try:
        call = OFFERED.resolve(ExecuteRequest.model_validate_json(canonical_json(body)))
    except ValueError:
        assert not name or (action is not None and not action["id"])  # too short: refused earlier
        return
    except Invalid:
        return
    assert call.config is TARGETS[name]
    assert call.action is ACTIONS[call.action.id]
    limits = {"grace_seconds": range(1, 121), "lines": range(1, 501)}
    for parameter, value in call.parameters.items():
        if parameter in limits:
            assert type(value) is int
            assert value in limits[parameter]
        else:
            field = call.action.parameters.model_fields[parameter]
            assert value == field.default, "no other value comes from the text"
