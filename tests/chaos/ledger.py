"""What the harness knows of every job it enqueued, kept outside the database under attack.

It must never guess: where a connection died during the commit, a job's fate is unknown until it is looked up.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

Fate = Literal["unsent", "committed", "unknown", "rolled back"]


@dataclass(slots=True)
class Entry:
    """One job.

    key: its number, which its payload carries; ids are the database's, and an answer may be lost.
    job: its id, where the answer was read.
    has_order: whether the same transaction wrote a row of the application's.
    is_spared: nobody may ask for it to be cancelled, for somebody waits for its end.
    is_cancel_asked, is_purge_asked: somebody asked, whether or not he was heard.
    """

    key: int
    kind: str
    fate: Fate = "unsent"
    job: int | None = None
    has_order: bool = False
    is_spared: bool = False
    is_cancel_asked: bool = False
    is_purge_asked: bool = False


class Ledger:
    """Every job enqueued and every strike, in memory and in an append-only file for whoever looks later."""

    def __init__(self, folder: Path) -> None:
        self.entries: dict[int, Entry] = {}
        self.strikes: list[tuple[float, str, str]] = []
        self._keys = count(1)
        self._file = (folder / "ledger.jsonl").open("a", encoding="utf-8")

    def open(self, kind: str, *, has_order: bool = False) -> Entry:
        """A job about to be sent. What happens before its fate is told leaves it unknown."""
        entry = Entry(next(self._keys), kind, has_order=has_order)
        self.entries[entry.key] = entry
        return entry

    def tell(self, entries: list[Entry], fate: Fate) -> None:
        """What became of these; what is told first holds."""
        for entry in entries:
            if entry.fate in {"unsent", "unknown"}:
                entry.fate = fate
                self._write(fate, entry.key, entry.kind, entry.job)

    def asked(self, what: str, entry: Entry) -> None:
        """Somebody is about to ask for this job to be cancelled, redriven or purged."""
        entry.is_cancel_asked |= what == "cancel"
        entry.is_purge_asked |= what == "purge"
        self._write(what, entry.key, entry.kind, entry.job)

    def struck(self, name: str, detail: str) -> None:
        """A strike was made."""
        self.strikes.append((time.monotonic(), name, detail))
        self._write("strike", name, detail)

    def sent(self) -> Iterator[Entry]:
        """The jobs that were sent at all."""
        return (entry for entry in self.entries.values() if entry.fate != "unsent")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, *words: object) -> None:
        self._file.write(json.dumps([round(time.monotonic(), 3), *words]) + "\n")
        self._file.flush()
