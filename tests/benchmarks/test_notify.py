import pytest

from benchmarks.host import Host
from benchmarks.rows import Readings
from benchmarks.scenarios.notify import Case, _rows_of, measure, script
from tests.benchmarks.conftest import OURS


@pytest.mark.parametrize(
    "case",
    [
        Case(OURS, "commit_delay=2000", "ours", "busy"),
        Case(OURS, "as it is", "ours", "idle"),
        Case(OURS, "as it is", "notify always", "none"),
    ],
    ids=lambda case: f"{case.bell} {case.workers}",
)
def test_a_case_accounts_for_every_job(host: Host, case: Case) -> None:
    assert measure(case, host=host, seconds=1)["enqueue_per_second"] > 0


def test_only_the_bell_differs_between_the_scripts() -> None:
    assert script("none").replace("false", "true") == script("ours")
    assert script("notify always").replace(", pg_notify('bench', '')", "") == script("none")


def test_the_idle_worker_s_bell_is_compared_with_none_beside_the_same_worker() -> None:
    case = Case(OURS, "as it is", "ours", "idle")
    measured: dict[Case, list[Readings]] = {
        case: [{"enqueue_per_second": 90.0}],
        case.without_bell("idle"): [{"enqueue_per_second": 100.0}],
        case.without_bell("none"): [{"enqueue_per_second": 180.0}],
    }

    values = {row.metric: row.value for row in _rows_of(case, measured)}

    assert values == {
        "enqueue_per_second": 90.0,
        "ratio_to_no_bell": 0.9,
        "ratio_to_no_bell_and_no_worker": 0.5,
    }
