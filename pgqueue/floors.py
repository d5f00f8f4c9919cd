"""Where a claim may begin to look, so that it need not walk over what is dead but not vacuumed.

A floor is a hint: a wrong one delays a job by a sweep and never loses it. Sweeps look below the floors:
often as far down as something may have appeared since the last one (see `pgqueue.marks`), and now and
then further, for what no mark foresees: a claim that was rolled back, a clock that was set.
"""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from pgqueue.delivery import Delivery, Lease
from pgqueue.marks import Line, Lines, Mark, Place, add, is_settled, settle
from pgqueue.sweeps import EVERYTHING, Levels, Sweeps

PRIORITIES = 10
IN_FLIGHT = timedelta(milliseconds=50)  # a row this young may be committed after rows that are younger
SWEEPS: Levels = ((1, 10), (5, 100), (30, EVERYTHING))
MARKED: Levels = ((1, EVERYTHING),)  # as far as the marks say
WEIGHT = 0.1  # of the newest round trip in the running mean
MOST_QUEUES = 1_000  # a client that claims from more begins to learn anew


class Look:
    """One claim: where it begins, and what is to be learnt from its answer.

    floors: the place to begin at, per queue and priority; None: from the beginning.
    is_marked: it looks as far down as something may have appeared, and is to tell the transactions.
    """

    __slots__ = ("began_at", "floors", "is_marked", "lines", "reach")

    def __init__(
        self, lines: list[Line], floors: list[Place | None], *, reach: float, is_marked: bool, began_at: float
    ) -> None:
        self.lines = lines
        self.floors = floors
        self.reach = reach
        self.is_marked = is_marked
        self.began_at = began_at


class Floors:
    """The floors of some queues, one per queue and priority, as this claimer has learnt them."""

    def __init__(self, queues: Sequence[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._queues = tuple(queues)
        self._clock = clock
        self._asked: tuple[tuple[str, ...], list[Line]] | None = None
        self.forget()

    def forget(self) -> None:
        """Begin anew: the server may be another, where what we claimed last was never claimed."""
        self._lines: Lines = {
            (queue, priority): None for queue in self._queues for priority in range(PRIORITIES)
        }
        self._seen = self._lines  # whatever has appeared since it was looked for lies above these
        self._marks: tuple[Mark, ...] = ()
        self._sweeps = Sweeps(SWEEPS, clock=self._clock)
        self._marked = Sweeps(MARKED, clock=self._clock)
        self._usual_seconds: float | None = None

    def look(self, queues: Sequence[str], *, is_unsure: bool = False) -> Look:
        """Where to begin a claim from these queues; lower where a sweep is due.

        is_unsure: something may have appeared: look for it as soon as that is not too dear.
        """
        lines = self._lines_of(tuple(queues))
        reach = self._sweeps.due()
        is_marked = reach == EVERYTHING or self._marked.due() > 0 or (is_unsure and self._marked.may())
        floors = [self._lines[line] for line in lines]
        if reach:
            floors = [lowered(floor, reach) for floor in floors]
        if is_marked:
            floors = [lower(floor, self._seen[line]) for floor, line in zip(floors, lines, strict=True)]
        return Look(lines, floors, reach=reach, is_marked=is_marked, began_at=self._clock())

    def _lines_of(self, queues: tuple[str, ...]) -> list[Line]:
        """The lines of these queues, in order; they are mostly the same ones again."""
        asked = self._asked
        if asked is None or asked[0] != queues:
            lines = [(queue, priority) for queue in queues for priority in range(PRIORITIES)]
            asked = self._asked = (queues, lines)
        return asked[1]

    def learn(self, look: Look, lease: Lease) -> None:
        """Take note of where this claim found its jobs, and of what it found exhausted."""
        if lease.is_apart:  # it looked nowhere else
            return
        took = self._clock() - look.began_at
        raised = raised_by(look, lease)
        self._lines = {**self._lines, **raised}
        if lease.sight.more and not raised:
            return  # it took a job of the line apart, or cancelled ones, and looked nowhere else
        self._note_time(look, took)
        if look.is_marked:
            self._note_marks(lease, raised, timedelta(seconds=took))

    def _note_time(self, look: Look, took: float) -> None:
        """What a sweep took beyond a usual claim decides when it is made again."""
        if not look.reach and not look.is_marked:
            usual = self._usual_seconds
            self._usual_seconds = took if usual is None else usual + WEIGHT * (took - usual)
            return
        extra = max(0.0, took - (self._usual_seconds or 0.0))
        self._sweeps.made(look.reach, took_seconds=extra)
        if look.is_marked:
            self._marked.made(EVERYTHING, took_seconds=extra)

    def _note_marks(self, lease: Lease, raised: Lines, took: timedelta) -> None:
        """All that had appeared has been seen; what appears from now on lies above the oldest mark."""
        transaction, oldest = lease.sight.transaction, lease.sight.oldest
        if transaction is None or oldest is None:
            return
        began = Place(lease.claimed_at - took - IN_FLIGHT)
        mark = Mark(transaction, {line: lower(floor, began) for line, floor in self._lines.items()})
        self._marks = settle(add(self._marks, mark), oldest)
        if is_settled(self._marks, oldest):
            seen = self._marks[0].lines
            self._seen = {**self._seen, **{line: seen[line] for line in raised}}


def raised_by(look: Look, lease: Lease) -> Lines:
    """The floors of the lines this claim has looked at."""
    rest = Place(lease.claimed_at - IN_FLIGHT)
    raised: dict[Line, Place | None]
    if not lease.sight.more:
        raised = dict.fromkeys(look.lines, rest)
    else:
        raised = raised_by_some(look, lease.deliveries, rest)
    if lease.sight.paused:
        return {line: floor for line, floor in raised.items() if line[0] not in lease.sight.paused}
    return raised


def raised_by_some(look: Look, deliveries: Sequence[Delivery], rest: Place) -> dict[Line, Place | None]:
    """The same where more was due: only lines before the last one with jobs are exhausted."""
    line = (deliveries[-1].queue, deliveries[-1].priority) if deliveries else None
    if line is None or line not in look.lines:
        return {}
    raised: dict[Line, Place | None] = dict.fromkeys(look.lines[: look.lines.index(line)], rest)
    raised[line] = first_of(line, deliveries)
    return raised


def first_of(line: Line, deliveries: Sequence[Delivery]) -> Place:
    """The place of the line's first job among these."""
    first = next(each for each in deliveries if (each.queue, each.priority) == line)
    return Place(first.visible_at, first.id)


def lower(floor: Place | None, other: Place | None) -> Place | None:
    """The lower of two; None is the lowest."""
    return None if floor is None or other is None else min(floor, other)


def lowered(floor: Place | None, reach: float) -> Place | None:
    """So many seconds below."""
    if floor is None or reach == EVERYTHING:
        return None
    return Place(floor.moment - timedelta(seconds=reach))


class FloorsOfClient:
    """The floors of a client, which may claim from other queues each time."""

    def __init__(self) -> None:
        self._floors: dict[tuple[str, ...], Floors] = {}

    def of(self, queues: Sequence[str]) -> Floors:
        """The floors of claims from these queues."""
        key = tuple(queues)
        if key not in self._floors:
            if len(self._floors) >= MOST_QUEUES:
                self._floors.clear()
            self._floors[key] = Floors(key)
        return self._floors[key]
