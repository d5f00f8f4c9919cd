"""Tests of how an installation that does not fit is told."""

import pytest

from pgqueue.doctor.schema import fit
from pgqueue.migrate import Status


@pytest.mark.parametrize(
    ("installed", "current", "level", "cause", "mend"),
    [
        ("0002", True, "ok", "at migration 0002, current", ""),
        ("0002", False, "problem", "its functions are not this package's", "pgqueue migrate"),
        ("0001", False, "problem", "at migration 0001, this package needs 0002", "pgqueue migrate"),
        ("0003", False, "problem", "at migration 0003, this package knows only 0002", "Upgrade the package"),
        (None, False, "problem", "holds no pgqueue", "pgqueue migrate"),
    ],
)
def test_each_way_not_to_fit(installed: str | None, current: bool, level: str, cause: str, mend: str) -> None:
    finding = fit(Status("pgqueue", installed, "0002", current))

    assert finding.level == level
    assert cause in finding.cause
    assert mend in finding.mend
