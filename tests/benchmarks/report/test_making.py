import json
from pathlib import Path

import pytest
from rich.progress import Progress
from typer.testing import CliRunner, Result

from benchmarks.choices import Misuse, choices_of
from benchmarks.command import application
from benchmarks.display import ProgressBar
from benchmarks.failures import BenchmarkFailed
from benchmarks.given import OUR_OWN
from benchmarks.plan import Plan
from benchmarks.report import making
from benchmarks.report.layout import Section
from benchmarks.report.making import Order, make_report, report_choices
from benchmarks.report.sections import SECTIONS
from benchmarks.scenarios import lifecycle, recovery


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application(), arguments)


def ordered(folder: Path, *names: str) -> Order:
    return Order(folder, choices_of(names, ["pgqueue:fsync"]), OUR_OWN, is_quick=True, rounds=1, notes=["so"])


def make(order: Order) -> tuple[Path, dict[str, str]]:
    with Progress(disable=True) as bars:
        return make_report(order, ProgressBar(bars, 2))


def test_a_report_holds_rows_tables_and_plots_and_nothing_of_an_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "JOBS_PER_ROUND", {1: 100, 10: 500})
    (tmp_path / "pinned.png").write_text("of an older report")

    path, failures = make(ordered(tmp_path, "lifecycle"))

    told = json.loads((tmp_path / "rows.json").read_text())
    report = path.read_text()
    assert failures == {}
    assert {row["scenario"] for row in told["rows"]} == {"lifecycle"}
    assert {"measured", "command", "machine", "versions", "notes", "failures", "rows"} == set(told)
    assert {"processor", "cores", "fsync_milliseconds"} < set(told["machine"])
    assert told["versions"]["PostgreSQL"].startswith("postgres (PostgreSQL) 18")
    assert (tmp_path / "lifecycle.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "pinned.png").exists()
    for line in ("## Headlines", "## lifecycle", "![lifecycle](lifecycle.png)", "## Contracts", "- so"):
        assert line in report.splitlines()
    assert "A quick look, not a result" in report
    is_busy = told["machine"]["load_before"] > 0.5 * told["machine"]["cores"]
    assert ("The machine was busy before we began" in report) == is_busy


def test_a_scenario_that_fails_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_arguments: object) -> None:
        raise BenchmarkFailed("a job is lost\nand more")

    monkeypatch.setattr(lifecycle, "JOBS_PER_ROUND", {1: 100})
    monkeypatch.setattr(recovery, "postgres_host", fail)
    monkeypatch.setattr(
        making,
        "SECTIONS",
        [*SECTIONS, Section(scenario="recovery", full=Plan(rounds=1), quick=Plan(rounds=1))],
    )

    path, failures = make(ordered(tmp_path, "recovery", "lifecycle"))

    assert failures == {"recovery": "a job is lost"}
    assert "- **recovery failed**: a job is lost" in path.read_text().splitlines()
    assert "## lifecycle" in path.read_text().splitlines()


def test_the_quick_report_leaves_out_what_takes_long() -> None:
    full = report_choices([], [], is_quick=False, is_given=False)
    quick = report_choices([], [], is_quick=True, is_given=False)

    assert [choice.scenario.name for choice in full] == [section.scenario for section in SECTIONS]
    assert {choice.scenario.name for choice in full} - {choice.scenario.name for choice in quick} >= {"idle"}
    with pytest.raises(Misuse, match="'idle' is not part of the quick report; it has: lifecycle"):
        report_choices(["idle"], [], is_quick=True, is_given=False)


def test_on_given_servers_it_leaves_out_what_needs_its_own() -> None:
    given = report_choices([], [], is_quick=False, is_given=True)

    assert all(not choice.scenario.own_servers for choice in given)
    assert "limits" in [
        choice.scenario.name for choice in report_choices(["limits"], [], is_quick=False, is_given=True)
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["backlog"], "'backlog' is not part of the report; it has: lifecycle"),
        (["nonsense"], "'nonsense' is not part of the report; it has: lifecycle"),
        (["--seconds", "3"], "a report has sizes and files of its own"),
        (["--json", "-"], "a report has sizes and files of its own"),
    ],
)
def test_bad_use_is_one_clear_line(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    done = run("--report", str(tmp_path / "new"), *arguments)

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"benchmarks: {complaint}")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = run("lifecycle", "--report", str(tmp_path / "file" / "folder"))

    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert "Not a directory" in done.stderr
