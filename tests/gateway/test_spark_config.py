"""The declaration of a Spark target."""

from __future__ import annotations

import pytest

from bot.gateway.config import read_config
from bot.gateway.errors import ConfigError
from tests.helpers.spark_standin import JOB, SPARK


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"url": "http://m/path"}, "targets.it.spark.url: must be http"),
        ({"jobs": {"a": JOB, "b": JOB | {"name": "b"}}}, "two have one main_class"),
        ({"rest_url": None}, "jobs: they are submitted to rest_url"),
        ({"url": "http://master:8080", "token_env": "T"}, "a token is sent by https:// only"),
        ({"jobs": {"a": JOB | {"args": ["{x}"]}}}, "jobs.a: args: {x} is no parameter"),
        ({"jobs": {"a": JOB | {"properties": {"spark.master": "x"}}}}, "is set by the gateway"),
        ({"jobs": {"a": JOB | {"properties": {"spark.a.password": "x"}}}}, "may hold a secret"),
        ({"jobs": {"a": JOB | {"env": {"DB_PASSWORD": "x"}}}}, "may hold a secret"),
        ({"jobs": {"a": JOB | {"env": {"AWS_ACCESS_KEY_ID": "x"}}}}, "may hold a secret"),
        ({"jobs": {"a": JOB | {"resource": "https://me:x@repo/etl.jar"}}}, "has a login in it"),
        ({"jobs": {"a": JOB | {"main_class": "a b"}}}, "main_class: must be the name of a class"),
        ({"jobs": {"a": JOB | {"resource": "/etl.jar"}}}, "must be an address such as hdfs"),
        ({"max_kills": 0}, "max_kills"),
    ],
)
def test_a_target_that_cannot_work_is_named_by_file_and_field(change, problem):
    target = SPARK | {"url": "http://127.0.0.1:1", "rest_url": "http://127.0.0.1:2"} | change
    with pytest.raises(ConfigError) as refused:
        read_config({"targets": {"it": target}}, name="gateway.yaml", environ={"T": "t"})
    assert str(refused.value).startswith("gateway.yaml")
    assert problem in str(refused.value)


def test_the_account_in_an_address_of_azure_is_no_login():
    job = JOB | {"resource": "abfss://jars@harbour.dfs.example/etl.jar", "env": {"REGION": "eu"}}
    target = SPARK | {"url": "http://127.0.0.1:1", "rest_url": "http://127.0.0.1:2"}
    read_config({"targets": {"it": target | {"jobs": {"a": job}}}}, name="g.yaml", environ={})
