"""Tests of answers shared by all who ask at about the same time."""

import asyncio

import pytest

from pgqueue.http.shared import Shared


class Oracle:
    """Answers with how often it was asked, once it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()

    async def ask(self) -> int:
        self.asked += 1
        await self.may_answer.wait()
        return self.asked


async def test_many_who_ask_at_once_share_an_answer() -> None:
    oracle = Oracle()
    shared = Shared(oracle.ask, fresh_seconds=3600)
    asking = [asyncio.ensure_future(shared.get()) for _ in range(10)]

    oracle.may_answer.set()

    assert await asyncio.gather(*asking) == [1] * 10
    assert await shared.get() == 1


async def test_whoever_comes_as_the_answer_does_shares_it() -> None:
    oracle = Oracle()
    oracle.may_answer.set()
    shared = Shared(oracle.ask, fresh_seconds=3600)

    for _ in range(10):
        asyncio.ensure_future(shared.get())  # noqa: RUF006
        await asyncio.sleep(0)

    assert await shared.get() == 1


async def test_an_old_answer_is_asked_for_again() -> None:
    oracle = Oracle()
    oracle.may_answer.set()
    shared = Shared(oracle.ask, fresh_seconds=0)

    assert [await shared.get(), await shared.get()] == [1, 2]


async def test_whoever_goes_away_leaves_the_answer_to_the_others() -> None:
    oracle = Oracle()
    shared = Shared(oracle.ask, fresh_seconds=3600)
    leaving, staying = (asyncio.ensure_future(shared.get()) for _ in range(2))
    await asyncio.sleep(0)

    leaving.cancel()
    oracle.may_answer.set()

    assert await staying == 1
    assert leaving.cancelled()


async def test_an_error_is_shared_too() -> None:
    async def fail() -> int:
        raise LookupError("none")

    shared = Shared(fail, fresh_seconds=3600)

    for _ in range(2):
        with pytest.raises(LookupError):
            await shared.get()
