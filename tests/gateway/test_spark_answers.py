"""Answers of a Spark master that are too large, unreadable or repeat our credentials."""

from __future__ import annotations

import pytest

from .clusters import call, tried

TODAY = "date=2026-01-02"


@pytest.mark.parametrize("garbage", [b"<html>done</html>", b"[]", b" " * 9_000_000])
async def test_a_job_that_is_taken_with_an_unreadable_answer_is_an_unknown_outcome(
    master, spark_desk, garbage
):
    desk = await spark_desk(master)
    master.garbled, master.garbage = "/create", garbage
    unknown = await tried(desk, call("spark.resubmit", job="etl", key="1", values=TODAY))
    assert unknown.error_code == "OUTCOME_UNKNOWN", unknown
    assert len(master.drivers) == 1, "the job was taken"


async def test_a_kill_with_an_endless_answer_is_an_unknown_outcome(master, spark_desk):
    desk = await spark_desk(master)
    driver = master.driver("shop.Etl")
    master.garbled, master.garbage = "/v1/submissions/kill/", b" " * 9_000_000
    unknown = await tried(desk, call("spark.kill_drivers", driver=driver))
    assert (unknown.error_code, master.drivers) == ("OUTCOME_UNKNOWN", []), unknown


@pytest.mark.attack("ASI03")
async def test_no_part_of_the_token_is_in_an_answer_that_repeats_it(master, spark_desk, tmp_path):
    token = tmp_path / "token"
    token.write_text("hunter2hunter2hunter2")
    desk = await spark_desk(master, token_file=str(token))
    master.echoes = True
    refused = await tried(desk, call("spark.kill_applications", name="etl.*"))
    _, health = await desk.get("/health")
    assert (refused.nothing_ran, "403" in refused.error) == (True, True), refused
    assert "hunter2" not in f"{refused} {health}"
