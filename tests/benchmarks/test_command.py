import pytest
from typer.testing import CliRunner

from benchmarks.command import application, help_text
from benchmarks.contestants import Contestant
from benchmarks.registry import SCENARIOS, chosen_for


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "name a scenario"),
        (["nonsense"], "unknown scenario 'nonsense'"),
        (["pinned", "--systems", "nonsense"], "unknown system 'nonsense'"),
        (["notify", "--systems", "redis-streams"], "notify measures none of redis-streams"),
        (["pinned", "--json", "/no/such/folder/rows.json"], "cannot write /no/such/folder/rows.json"),
        (["pinned", "--plot", "/no/such/folder/plot.png"], "cannot write /no/such/folder/plot.png"),
    ],
)
def test_bad_use_is_one_clear_line(arguments: list[str], complaint: str) -> None:
    done = CliRunner().invoke(application(), arguments)

    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"benchmarks: {complaint}")
    assert done.stderr.count("\n") == 1


def test_the_help_has_a_line_for_each_scenario() -> None:
    lines = help_text().splitlines()

    for name, scenario in SCENARIOS.items():
        assert [line for line in lines if line.split() == [name, *scenario.about.split()]]


def test_a_scenario_measures_whom_it_can_and_its_usual_ones_unless_told() -> None:
    pinned = SCENARIOS["pinned"]

    assert chosen_for(pinned, []) == [Contestant("pgqueue", "fsync"), Contestant("usual-table", "fsync")]
    assert chosen_for(pinned, ["redis-streams:fsync"]) == []
    assert chosen_for(pinned, ["pgqueue:everysec", "redis-streams"]) == [Contestant("pgqueue", "everysec")]
