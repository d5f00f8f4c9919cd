"""Tests of what the keeper must not lose (progress said meanwhile) nor hold up (leases)."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest

from pgqueue.calls.call import Call
from pgqueue.worker.book import Book
from pgqueue.worker.counts import Counts
from pgqueue.worker.keeper import LISTEN_AFTER_TICKS, Keeper
from pgqueue.worker.line import Line, LineBroken
from pgqueue.worker.pace import Pace
from pgqueue.worker.pump import Pump
from pgqueue.worker.running_job import RunningJob
from tests.worker.deliveries import Clock, delivery, lease


class FakeLine:
    """Keeps what it is asked, and does what a test wants done meanwhile."""

    is_connected = True

    def __init__(self, meanwhile: Callable[[], Any] = lambda: None) -> None:
        self.asked: list[str] = []
        self._meanwhile = meanwhile

    async def run(self, call: Call[Any]) -> list[Any]:
        self.asked.append(call.function.name)
        if (waits := self._meanwhile()) is not None:
            await waits
        return [{}]


def keeper(book: Book, line: FakeLine, clock: Clock, *, guard: FakeLine | None = None) -> Keeper:
    return Keeper(
        book,
        cast("Line", line),
        Counts(),
        guard=lambda: cast("Line | None", guard),
        pump=cast("Pump", None),
        pace=Pace(concurrency=1, ahead=timedelta(seconds=1), largest=1),
        lease=timedelta(minutes=1),
        clock=clock,
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(clock: Clock) -> Book:
    return Book(changed=lambda: None, clock=clock)


@pytest.fixture
def job(book: Book) -> RunningJob:
    job = RunningJob(delivery())
    job.report_progress(0.5)
    book.running.add(job)
    return job


async def test_progress_said_while_older_is_sent_is_kept(book: Book, clock: Clock, job: RunningJob) -> None:
    line = FakeLine(lambda: job.report_progress(0.7))
    await keeper(book, line, clock).tick()

    assert line.asked == ["report_progress"]
    assert job.progress == (0.7, None)


async def test_progress_that_could_not_be_sent_is_kept_unless_there_is_newer(
    book: Book, clock: Clock, job: RunningJob
) -> None:
    def break_off() -> None:
        raise LineBroken("gone")

    with pytest.raises(LineBroken):
        await keeper(book, FakeLine(break_off), clock).tick()

    assert job.progress == (0.5, None)


async def test_a_silent_guard_keeps_no_lease_from_being_extended(book: Book, clock: Clock) -> None:
    line, guard = FakeLine(), FakeLine(lambda: asyncio.Event().wait())
    book.take(lease(delivery()))
    book.waiting.clear()  # it runs
    mine = keeper(book, line, clock, guard=guard)
    for _ in range(LISTEN_AFTER_TICKS - 1):
        await mine.listen()
    listening = asyncio.create_task(mine.listen())
    await asyncio.sleep(0)
    clock.advance(30)
    await mine.tick()
    listening.cancel()

    assert guard.asked == ["listen"]
    assert line.asked == ["extend"]
