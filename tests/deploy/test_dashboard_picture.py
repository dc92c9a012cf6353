"""The pictures of the dashboards show what Prometheus answered, panel by panel."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from tests.deploy.dashboard_picture import Series, draw, read_series
from tests.deploy.draw_dashboards import DASHBOARDS, IMAGES

SVG = "{http://www.w3.org/2000/svg}"


def texts(picture: str) -> list[str]:
    tree = ElementTree.fromstring(picture)  # noqa: S314 - our own file
    return [element.text or "" for element in tree.iter(f"{SVG}text")]


@pytest.mark.parametrize("file", sorted(DASHBOARDS.glob("*.json")), ids=lambda file: file.stem)
def test_the_picture_in_the_docs_has_each_panel_of_its_dashboard(file) -> None:
    picture = (IMAGES / f"dashboard-{file.stem}.svg").read_text("utf-8")
    titles = [panel["title"] for panel in json.loads(file.read_text("utf-8"))["panels"]]
    assert set(titles) <= set(texts(picture)), "run `python -m tests.deploy.draw_dashboards`"


def test_a_line_is_drawn_from_its_first_to_its_last_value_and_named() -> None:
    panel = {
        "type": "timeseries",
        "title": "Memory <1>",
        "gridPos": {"x": 0, "y": 0, "w": 8, "h": 7},
        "fieldConfig": {"defaults": {"unit": "bytes"}},
    }
    line = Series("web", [(0.0, 0.0), (10.0, 4_000_000.0)])
    picture = draw([(panel, [line])], began=0.0, ended=10.0)
    assert {"Memory <1>", "web", "4 MB", "0 MB"} <= set(texts(picture))
    (path,) = [part for part in picture.splitlines() if 'stroke-width="1.5"' in part]
    first, last = path.partition('d="M')[2].partition('"')[0].split("L")
    assert float(first.split()[0]) < float(last.split()[0])
    assert float(first.split()[1]) > float(last.split()[1]), "more is higher"


def test_a_panel_without_an_answer_says_so_and_a_number_stands_large() -> None:
    stat = {"type": "stat", "title": "Replicas", "gridPos": {"x": 0, "y": 0, "w": 4, "h": 5}}
    assert "no data" in texts(draw([(stat, [])], began=0.0, ended=1.0))
    lines = [Series("with a lease", [(0.0, 3.0), (1.0, 2.0)])]
    assert "2 with a lease" in texts(draw([(stat, lines)], began=0.0, ended=1.0))


def test_series_take_their_legend_from_labels_and_leave_out_what_is_no_number() -> None:
    result = [
        {"metric": {"part": "store"}, "values": [[1, "1"], [2, "NaN"]]},
        {"metric": {"part": "slack"}, "values": [[1, "NaN"]]},
    ]
    assert read_series("{{part}}!", result) == [Series("store!", [(1.0, 1.0)])]
