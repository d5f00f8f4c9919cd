import os
from pathlib import Path

import pytest

from benchmarks import delays
from benchmarks.delays import Delay, DelayFile, Delays


def test_what_a_consumer_tells_is_read_while_it_goes_on() -> None:
    with Delays() as told:
        file = DelayFile(told.folder)
        file.add(7, 1_000_000_000, 1_500_000_000)
        file.add(8, 1_000_000_000, 3_000_000_000)

        assert told.count() == 2
        assert told.since(8) == [Delay(8, 1_000_000_000, 3_000_000_000)]
        assert [record.seconds for record in told.since(0)] == [0.5, 2.0]


def test_a_full_file_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(delays, "MOST_RECORDS", 1)
    file = DelayFile(tmp_path)
    file.add(1, 1, 1)

    with pytest.raises(IndexError):
        file.add(2, 2, 2)

    assert list(tmp_path.iterdir()) == [tmp_path / str(os.getpid())]
