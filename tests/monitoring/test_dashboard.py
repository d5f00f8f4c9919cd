"""Tests that the dashboard is one Grafana loads, and asks for what there is."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.monitoring.conftest import Promtool
from tests.monitoring.expressions import DASHBOARD, mentioned, series

BOARD: dict[str, Any] = json.loads(DASHBOARD.read_text())
PANELS: list[dict[str, Any]] = BOARD["panels"]
GRAPHS = [panel for panel in PANELS if panel["type"] != "row"]
CHOSEN = {"type": "prometheus", "uid": "${datasource}"}
AS_GRAFANA_FILLS_IN = {"$__rate_interval": "1m", "$queue": ".*"}


def expressions() -> list[str]:
    """Every question to Prometheus, as Grafana sends it."""
    found = []
    for panel in GRAPHS:
        for target in panel["targets"]:
            expression: str = target["expr"]
            for variable, value in AS_GRAFANA_FILLS_IN.items():
                expression = expression.replace(variable, value)
            found.append(expression)
    return found


def test_it_says_for_which_grafana_it_is_and_how_to_find_it() -> None:
    assert BOARD["schemaVersion"] >= 36
    assert BOARD["uid"]
    assert BOARD["title"]
    assert "id" not in BOARD  # Grafana gives it its own


def test_whose_prometheus_it_asks_can_be_chosen() -> None:
    variables = {variable["name"]: variable for variable in BOARD["templating"]["list"]}

    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    assert variables["queue"]["datasource"] == CHOSEN
    asked = [panel["datasource"] for panel in GRAPHS]
    asked += [target["datasource"] for panel in GRAPHS for target in panel["targets"]]
    assert all(source == CHOSEN for source in asked)


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    ids = [panel["id"] for panel in PANELS]

    assert len(set(ids)) == len(ids)
    assert [
        (one["title"], other["title"]) for one, other in combinations(PANELS, 2) if overlap(one, other)
    ] == []
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two panels lie upon each other."""
    a, b = one["gridPos"], other["gridPos"]
    return bool(
        a["x"] < b["x"] + b["w"]
        and b["x"] < a["x"] + a["w"]
        and a["y"] < b["y"] + b["h"]
        and b["y"] < a["y"] + a["h"]
    )


@pytest.mark.parametrize("panel", GRAPHS, ids=lambda panel: panel["title"])
def test_every_metric_a_panel_asks_for_exists(panel: dict[str, Any]) -> None:
    names = mentioned(json.dumps(panel["targets"]))

    assert names
    assert names <= series()


def test_prometheus_understands_every_question(promtool: Promtool, tmp_path: Path) -> None:
    rules = [{"record": f"pgqueue:{number}", "expr": each} for number, each in enumerate(expressions())]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))  # JSON is YAML

    done = promtool("check", "rules", file)

    assert done.returncode == 0, done.stdout + done.stderr
