"""Whether the promises were kept: the ledger and the handlers' account against what the database says.

Pure. It must never excuse a breach: what may happen is said by the kinds of jobs alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tests.chaos.executions import Execution
from tests.chaos.facts import Facts, Outcome
from tests.chaos.kinds import KINDS
from tests.chaos.ledger import Entry

Executions = Mapping[int, list[Execution]]

LOST = "no committed job is lost"
DEAD = "no job dies without cause"
ENDING = "every job ends as its kind may"
TWICE = "a job ends once"
ROLLED_BACK = "no rolled-back job runs"
EFFECTS = "effects happen exactly once"
TOGETHER = "an application's rows and its jobs commit together"
LETTERS = "every dead job has its letter"
INVARIANTS = "every invariant of the schema holds"
LEFT = "nothing is left once all have ended"
WORKERS = "no worker ends by itself"
TAKEN = "a promotion is nobody's death"
REST = "the queue comes to rest"
PROMISES = (
    LOST, DEAD, ENDING, TWICE, ROLLED_BACK, EFFECTS, TOGETHER,
    LETTERS, INVARIANTS, LEFT, WORKERS, TAKEN, REST,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise broken. keys: of the jobs whose stories tell of it."""

    promise: str
    what: str
    keys: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of one job."""

    entry: Entry
    jobs: list[int]
    outcomes: list[Outcome]
    executions: list[Execution]
    effects: int
    orders: int
    redrives: int
    has_letter: bool

    @property
    def finals(self) -> list[Outcome]:
        """Its ends; the last one stands."""
        return [outcome for outcome in self.outcomes if outcome.is_final]

    @property
    def began(self) -> int:
        """How often a handler began."""
        return sum(execution.what == "began" for execution in self.executions)

    def breach(self, promise: str, what: str) -> Breach:
        """This job breaks a promise."""
        ids = ", ".join(map(str, self.jobs)) or "without an id"
        return Breach(promise, f"{self.entry.kind} job {self.entry.key} ({ids}): {what}", (self.entry.key,))


def judge(entries: Iterable[Entry], executions: Executions, facts: Facts) -> list[Breach]:
    """Every breach of what holds after healing."""
    known = {entry.key: entry for entry in (*entries, *children(entries, facts))}
    found = [breach for entry in known.values() for breach in judged(case_of(entry, executions, facts))]
    strangers = (set(facts.bodies) | set(executions)) - set(known)
    found += [Breach(ROLLED_BACK, f"nobody enqueued job {key}", (key,)) for key in sorted(strangers)]
    by_job = {job: key for key, jobs in facts.bodies.items() for job in jobs}
    found += [
        Breach(INVARIANTS, f"{name}: {number}", (by_job[number],) if number in by_job else ())
        for name, number in facts.breaches
    ]
    return found + [Breach(LEFT, f"{name}: {what}") for name, what in facts.leftovers]


def children(entries: Iterable[Entry], facts: Facts) -> Iterator[Entry]:
    """The jobs that handlers enqueued as they finished: as surely committed as their parents' effects."""
    for entry in entries:
        if entry.kind == "parent" and facts.effects[entry.key]:
            yield Entry(-entry.key, "plain", "committed")


def case_of(entry: Entry, executions: Executions, facts: Facts) -> Case:
    """What is known of one job."""
    jobs = facts.bodies.get(entry.key, [])
    return Case(
        entry=entry,
        jobs=jobs,
        outcomes=[outcome for job in jobs for outcome in facts.outcomes.get(job, [])],
        executions=executions.get(entry.key, []),
        effects=facts.effects[entry.key],
        orders=facts.orders[entry.key],
        redrives=sum(facts.redrives[job] for job in jobs),
        has_letter=any(job in facts.letters for job in jobs),
    )


def judged(case: Case) -> Iterator[Breach]:
    """The breaches of one job."""
    if case.entry.has_order and case.orders != len(case.jobs):
        yield case.breach(TOGETHER, f"{case.orders} rows of the application's, {len(case.jobs)} jobs")
    if case.entry.fate == "rolled back" or not case.jobs:
        yield from judged_absence(case)
    elif len(case.jobs) > 1:
        yield case.breach(TWICE, "enqueued once, and there twice")
    elif not case.finals:
        yield case.breach(LOST, "it never ended")
    else:
        yield from judged_ending(case, case.finals[-1])


def judged_absence(case: Case) -> Iterator[Breach]:
    """The breaches of a job that should not be there, or is not."""
    if case.entry.fate == "committed":
        yield case.breach(LOST, "committed, yet it is not there")
    elif case.jobs or case.executions:
        yield case.breach(ROLLED_BACK, f"never committed, yet it is there or ran ({case.began} times)")


def judged_ending(case: Case, last: Outcome) -> Iterator[Breach]:
    """The breaches of a job that ended."""
    kind, entry = KINDS[case.entry.kind], case.entry
    if len(case.finals) > 1 + case.redrives:
        yield case.breach(TWICE, f"it ended {len(case.finals)} times, redriven {case.redrives} times")
    if last.state == "dead" and "dead" not in kind.ends:
        yield case.breach(DEAD, f"dead at attempt {last.attempt} of {kind.max_attempts}: {last.error}")
    if last.state == "dead" and last.attempt % kind.max_attempts:
        yield case.breach(DEAD, f"dead at attempt {last.attempt}, though {kind.max_attempts} are granted")
    if last.state == "cancelled" and not entry.is_cancel_asked:
        yield case.breach(ENDING, "cancelled, though nobody asked")
    if last.state == "succeeded" and ("succeeded" not in kind.ends or not case.began):
        yield case.breach(ENDING, f"succeeded, having run {case.began} times")
    if last.state == "dead" and not case.has_letter and not entry.is_purge_asked:
        yield case.breach(LETTERS, "dead, without a letter")
    expected = int(kind.has_effect and last.state == "succeeded")
    if case.effects != expected:
        yield case.breach(EFFECTS, f"{last.state}, with {case.effects} effects instead of {expected}")
