"""Tests of the feed of ends: one look for all, none for nobody, gaps told, bounded whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest

from pgqueue import End, NoConnection
from pgqueue.http import feed as feeds
from pgqueue.http.feed import KEPT, MOST_ENDS, RECENT, Feed, name_of
from tests.waiting import until

START = datetime(2030, 1, 1, tzinfo=UTC)


class Log:
    """What has ended, and how often it was asked for."""

    def __init__(self) -> None:
        self.ends: list[End] = []
        self.looks = 0
        self.trouble: Exception | None = None

    def append(self, count: int) -> None:
        for _ in range(count):
            number = len(self.ends)
            moment = START + timedelta(seconds=number)
            self.ends.append(End(number, "q", "t", moment, None, 1, "succeeded", 0.1, None))

    async def last(self, limit: int) -> Sequence[End]:
        self.looks += 1
        if self.trouble:
            raise self.trouble
        return self.ends[::-1][:limit]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    monkeypatch.setattr(feeds, "POLL_SECONDS", 0.001)
    return Log()


@pytest.fixture
async def feed(log: Log) -> AsyncIterator[Feed]:
    feed = Feed(log.last)
    yield feed
    feed.close()


async def take(stream: AsyncIterator[End | None], count: int) -> list[int | None]:
    """The jobs of the next ends; None for a gap."""
    ends = [await anext(stream) for _ in range(count)]
    return [end.job_id if end else None for end in ends]


async def test_a_viewer_begins_with_the_recent_and_goes_on(feed: Feed, log: Log) -> None:
    log.append(RECENT + 10)

    async with aclosing(feed.follow()) as stream:
        assert await take(stream, RECENT) == list(range(10, RECENT + 10))
        log.append(2)
        assert await take(stream, 2) == [RECENT + 10, RECENT + 11]


async def test_many_viewers_cost_one_look(feed: Feed, log: Log) -> None:
    log.append(1)
    streams = [feed.follow() for _ in range(20)]

    assert [await take(stream, 1) for stream in streams] == [[0]] * 20

    await until(lambda: log.looks >= 3)
    assert feed.viewers == 20
    for stream in streams:
        await stream.aclose()
    before = log.looks
    await until(lambda: feed._polling is None or feed._polling.done())
    assert log.looks <= before + 1
    assert feed.viewers == 0


async def test_nobody_looks_while_nobody_views(feed: Feed, log: Log) -> None:
    assert feed._polling is None
    async with aclosing(feed.follow()) as stream:
        log.append(1)
        await take(stream, 1)
    await until(lambda: feed._polling is not None and feed._polling.done())

    log.append(1)
    async with aclosing(feed.follow()) as stream:
        assert await take(stream, 2) == [0, 1]


async def test_who_comes_back_goes_on_where_it_was(feed: Feed, log: Log) -> None:
    log.append(3)
    async with aclosing(feed.follow()) as stream:
        await take(stream, 3)

        async with aclosing(feed.follow(name_of(log.ends[0]))) as again:
            assert await take(again, 2) == [1, 2]


async def test_who_comes_back_too_late_is_told(feed: Feed, log: Log) -> None:
    log.append(2)
    async with aclosing(feed.follow()) as stream:
        await take(stream, 2)

        async with aclosing(feed.follow("1-1-1")) as again:
            assert await take(again, 3) == [None, 0, 1]


async def test_more_than_one_look_sees_is_a_gap(feed: Feed, log: Log) -> None:
    log.append(1)
    async with aclosing(feed.follow()) as stream:
        await take(stream, 1)
        log.append(MOST_ENDS + 5)

        assert await take(stream, MOST_ENDS + 1) == [None, *range(6, MOST_ENDS + 6)]


async def test_a_viewer_who_does_not_fetch_is_not_waited_for(feed: Feed, log: Log) -> None:
    log.append(1)
    slow, quick = feed.follow(), feed.follow()
    assert await take(slow, 1) == [0]
    await take(quick, 1)

    for _ in range(KEPT // 100 + 1):
        log.append(100)
        await take(quick, 100)
    seen = await take(slow, 2)

    assert seen[0] is None
    assert seen[1] is not None
    assert seen[1] > 1
    assert len(feed._kept) == KEPT
    for stream in (slow, quick):
        await stream.aclose()


async def test_a_failed_look_is_told_and_made_again(
    feed: Feed, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    log.trouble = NoConnection("none")
    async with aclosing(feed.follow()) as stream:
        coming = asyncio.ensure_future(take(stream, 1))
        await until(lambda: log.looks >= 2)
        log.append(1)
        log.trouble = None

        assert await coming == [0]
    assert "no events for now" in caplog.text


async def test_a_closed_feed_ends_its_streams(feed: Feed, log: Log) -> None:
    log.append(1)
    stream = feed.follow()
    await take(stream, 1)

    feed.close()

    assert [end async for end in stream] == []
    assert [end async for end in feed.follow()] == []
