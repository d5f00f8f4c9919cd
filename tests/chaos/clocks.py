"""Workers whose clocks are wrong: libfaketime where it is installed, else the same from inside Python.

The steady clock is left alone: it is what a wrong wall clock must not be mistaken for.
"""

import sys
from pathlib import Path

FOLDER = Path("/usr/lib")
LIBRARY = "*/faketime/libfaketimeMT.so.1"
HOUR_SECONDS = 3600
OFFSETS_SECONDS = (0, HOUR_SECONDS, -HOUR_SECONDS)


def library() -> Path | None:
    """Where libfaketime is, if it is here."""
    return next(iter(sorted(FOLDER.glob(LIBRARY))), None)


def environment(offset_seconds: int) -> dict[str, str]:
    """What a process needs in its environment to live so far from the true time."""
    found = library()
    if not offset_seconds or found is None:
        return {}
    return {
        "LD_PRELOAD": str(found),
        "FAKETIME": f"{offset_seconds:+d}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


def interpreter(offset_seconds: int) -> list[str]:
    """The beginning of the worker's command."""
    if not offset_seconds or library() is not None:
        return [sys.executable, "-m", "pgqueue"]
    return [sys.executable, "-m", "tests.chaos.wrong_clock", str(offset_seconds)]
