"""Tests of what the pump does about locks of which nobody knows whether they are held."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from psycopg import errors

from pgqueue.calls.call import Call
from pgqueue.calls.watch import arm
from pgqueue.delivery import Delivery, Lease
from pgqueue.worker.book import Book, Held, Part
from pgqueue.worker.connections import Connections
from pgqueue.worker.counts import Counts
from pgqueue.worker.line import Line, LineBroken
from pgqueue.worker.pace import Pace
from pgqueue.worker.pump import Pump
from pgqueue.worker.rota import Rota
from pgqueue.worker.runner import Runner
from pgqueue.worker.sentry import Request, Sentry
from pgqueue.worker.teller import Teller

PARTS = [Part(1, Held((7,), 0.0, 0.0, 0), {7: 0.1})]


class FakeLine:
    """Refuses what holds more than so many calls; else says that all is well."""

    def __init__(self, *, most: int) -> None:
        self.is_dropped = False
        self._most = most

    async def run(self, *calls: Call[Any]) -> list[Any]:
        if len(calls) > self._most:
            raise errors.LockNotAvailable("somebody is in the way")
        return [[1] for _ in calls]

    async def drop(self) -> None:
        self.is_dropped = True


class FakeConnections:
    worker = 3

    def __init__(self, line: FakeLine, guard: FakeLine | None) -> None:
        self.line = line
        self.guard = guard


class Bench:
    """A pump between a line and a guard."""

    def __init__(self, line: FakeLine, guard: FakeLine | None) -> None:
        book = Book(changed=lambda: None)
        self.sentry = sentry = Sentry(["q"], poll=timedelta(minutes=1))
        pace = Pace(concurrency=1, ahead=timedelta(seconds=1), largest=1)
        self.told: list[Any] = []
        self.pump = Pump(
            book=book,
            connections=cast("Connections", FakeConnections(line, guard)),
            counts=Counts(),
            runner=cast("Runner", None),
            sentry=sentry,
            rota=Rota(["q"]),
            pace=pace,
            teller=Teller(book, cast("Line", line), Counts(), pace=pace, sentry=sentry),
            lease=timedelta(minutes=1),
            largest_batch=1,
        )

    async def exchange(self, parts: Sequence[Part], *, asks: bool) -> None:
        requests: list[Request] = [(arm(["q"]), self.told.append)] if asks else []
        await self.pump._exchange(list(parts), requests, 0)


class FreeRunner:
    """Has room for one more, and starts nothing."""

    free = 1

    def start_waiting(self) -> None:
        pass


async def test_a_worker_paused_while_a_claim_is_under_way_leaves_the_watch_all_the_same() -> None:
    bench = Bench(FakeLine(most=9), None)
    bench.pump._runner = cast("Runner", FreeRunner())
    bench.sentry._watched.add("q")
    look = bench.pump._floors.look(["q"])
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    held = Delivery(1, 7, 1, 5, "q", "task", "{}", None, 5, moment, None, keep_result=False)

    bench.pump.pause(True)
    bench.pump._claimed(look, Lease(1, moment, moment, (held,)))
    asked = [call.function.name for call, _ in bench.sentry.requests(wants_jobs=False)]

    assert asked == ["leave_watch"]


async def test_a_lock_asked_for_in_a_transaction_that_was_refused_costs_the_session() -> None:
    line = FakeLine(most=1)
    with pytest.raises(LineBroken):
        await Bench(line, line).exchange(PARTS, asks=True)

    assert line.is_dropped


async def test_a_refused_report_alone_costs_no_session() -> None:
    line = FakeLine(most=0)
    await Bench(line, line).exchange(PARTS, asks=False)

    assert not line.is_dropped


async def test_locks_taken_apart_are_known_of_though_the_report_is_refused() -> None:
    line, guard = FakeLine(most=0), FakeLine(most=1)
    bench = Bench(line, guard)
    await bench.exchange(PARTS, asks=True)

    assert bench.told == [[1]]
    assert not line.is_dropped
    assert not guard.is_dropped


async def test_a_guard_that_refused_a_lock_begins_anew() -> None:
    line, guard = FakeLine(most=1), FakeLine(most=0)
    await Bench(line, guard).exchange(PARTS, asks=True)

    assert guard.is_dropped
    assert not line.is_dropped
