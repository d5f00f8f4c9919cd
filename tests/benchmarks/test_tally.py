import pytest

from benchmarks import tally
from benchmarks.crew import Crew
from benchmarks.tally import TALLY_FOLDER, Tally


def count(times: int) -> None:
    for _ in range(times):
        tally.count_one()


def test_the_counts_of_several_processes_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with Tally() as counts, Crew() as crew:
        monkeypatch.setenv(TALLY_FOLDER, str(counts.folder))
        for hand in [crew.start(count, 300), crew.start(count, 4)]:
            hand.answer()

        assert counts.total() == 304
