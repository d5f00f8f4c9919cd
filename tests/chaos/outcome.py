"""What came of a run: everything that was written down, and every breach."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.chaos import facts
from tests.chaos.executions import Execution, executions
from tests.chaos.facts import Facts
from tests.chaos.ledger import Entry, Ledger
from tests.chaos.verdict import Breach, judge


@dataclass(frozen=True, slots=True)
class Outcome:
    """breaches: empty, and every promise was kept. again: the command that repeats the run."""

    title: str
    again: str
    entries: dict[int, Entry]
    strikes: Counter[str]
    executions: dict[int, list[Execution]]
    facts: Facts
    breaches: list[Breach]


async def outcome_of(
    found: list[Breach], *, title: str, again: str, ledger: Ledger, account: Path, dsn: str
) -> Outcome:
    """Read what the database says, and judge. account: where handlers wrote. found: breaches seen before."""
    seen = await asyncio.to_thread(facts.read, dsn)
    ran = executions(account)
    breaches = [*found, *judge(list(ledger.sent()), ran, seen)]
    strikes = Counter(name for _, name, _ in ledger.strikes)
    return Outcome(title, again, ledger.entries, strikes, ran, seen, breaches)
