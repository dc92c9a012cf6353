"""The benchmarks of bursts judge their figures correctly."""

import pytest

from benchmarks import held_back, sixty_incidents, soak, unfinished_connections
from bot.intake import parse_body
from tests.helpers.builders import identify

IN_TIME = [(float(second), second < 5) for second in range(60)]


def judged(lines):
    return {line.id: line.holds for line in lines}


def test_all_sixty_in_time_and_more_than_alertmanager_holds():
    whole, *_ = sixty_incidents.results(IN_TIME, [0.0, 10.0], [0.0], 0)
    assert (whole.value, whole.floor, whole.holds) == (60, 2, True)


@pytest.mark.parametrize(
    ("bot", "eager", "doubles", "line"),
    [
        (IN_TIME[:-1], [], 0, ""),
        ([*IN_TIME[:-1], (66.0, False)], [], 0, ""),
        ([(at + 2, grave) for at, grave in IN_TIME], [], 0, ".critical"),
        (IN_TIME, [], 1, ".duplicates"),
        (IN_TIME, [0.0] * 60, 0, ".ahead"),
    ],
)
def test_one_late_card_a_late_critical_one_a_double_or_a_draw_does_not(bot, eager, doubles, line):
    verdicts = judged(sixty_incidents.results(bot, eager, [], doubles))
    assert not verdicts["storm.sixty_incidents"]
    assert not verdicts[f"storm.sixty_incidents{line}"]


def test_the_bot_and_alertmanager_are_told_of_the_same_sixty():
    alert_labels = sixty_incidents.alerts()
    read = parse_body("alertmanager", sixty_incidents.webhook(alert_labels)).alerts
    assert (
        len({identify(alert).scope for alert in read})
        == sixty_incidents.INCIDENTS
        == len(alert_labels)
    )
    assert alert_labels == sixty_incidents.alerts(), "in the same order each time"


def test_a_soak_holds_unless_memory_tasks_or_descriptors_grow_or_an_alert_is_missing():
    report = {
        "seed": 1,
        "events": 100,
        "written": 100,
        "incidents": 2,
        "cards": 2,
        "growth": 5.0,
        "rss_before": 100.0,
        "rss_after": 105.0,
        "tasks_before": 20,
        "tasks_after": 28,
        "descriptors_before": 30,
        "descriptors_after": 30,
        "cpu_seconds": 9.0,
    }
    assert soak.results(report)[0].holds
    for change in (
        {"growth": 5.01},
        {"written": 99},
        {"written": 101},
        {"tasks_after": 29},
        {"descriptors_after": 39},
    ):
        assert not soak.results(report | change)[0].holds, change


def test_held_back_counts_what_is_over_idle_on_the_worse_engine():
    whole, *lines = held_back.results({"sqlite": (0.5, 0.9), "postgresql": (1.0, 2.5)})
    assert (whole.value, whole.holds) == (1.5, False)
    assert [line.holds for line in lines] == [True, False]
    assert held_back.results({"sqlite": (0.5, 0.4)})[0].value == 0


def test_a_flood_holds_unless_an_answer_is_late_a_link_is_new_or_the_card_is_missing():
    def holds(took=(0.1, 0.9), links=0, card_after=3.0):
        return unfinished_connections.results([0.1], list(took), links, card_after)[0].holds

    assert holds()
    assert not holds(took=(0.1, 1.1))
    assert not holds(links=1)
    assert not holds(card_after=None)
