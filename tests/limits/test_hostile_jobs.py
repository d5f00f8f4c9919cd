"""Tests of payloads, results and errors that nobody expects: each ends its own job, and none the worker."""

from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest

from pgqueue import AsyncClient, JobRecord, task
from tests.worker.conftest import RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]
ODD_NAME = "o'q\\\"%s $1 {} \N{SNOWMAN}\N{PILE OF POO}"

PAYLOADS = {
    "deep": '{"value": ' + "[" * 3000 + "]" * 3000 + "}",
    "a number beyond any float": '{"value": 1' + "0" * 2000 + "}",
    "a number beyond what Python reads": '{"value": 1' + "0" * 9000 + "}",
    "a fraction beyond any float": '{"value": 1e-2000}',
    "a key that is no name": '{"value": 1, "": 2, "self": 3, "*": 4}',
    "the same key twice": '{"value": 1, "value": 2}',
    "wide": '{"value": {' + ", ".join(f'"{number}": null' for number in range(20_000)) + "}}",
    "escapes": r'{"value": "\u2028\ud83d\ude00\u0001\\"}',
}


def deep(levels: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(levels):
        nested = [nested]
    return nested


def circle() -> list[Any]:
    ring: list[Any] = []
    ring.append(ring)
    return ring


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("nor can I say why")


RESULTS: dict[str, Callable[[], Any]] = {
    "deep": lambda: deep(5000),
    "no number": lambda: float("nan"),
    "endless": lambda: float("inf"),
    "huge": lambda: 10**3000,
    "half a pair": lambda: "\ud800",
    "nul": lambda: {"a\0": "\0"},
    "bytes": lambda: b"\xff",
    "too large": lambda: "x" * 1_100_000,
    "round": circle,
}


ERRORS: dict[str, Callable[[], BaseException]] = {
    "a huge message": lambda: ValueError("x" * 5_000_000),
    "unspeakable": Unspeakable,
    "nul and half a pair": lambda: ValueError("\0\ud800"),
    "the end of the program": lambda: SystemExit(3),
    "no more to iterate": StopIteration,
    "a group of groups": lambda: ExceptionGroup("g", [ExceptionGroup("h", [ValueError("\0")]), KeyError(1)]),
}


@task(name="swallow", keep_result=True, max_attempts=1)
async def swallow(value: Any) -> str:
    return type(value).__name__


@task(name="answer", keep_result=True, max_attempts=1)
async def answer(name: str) -> Any:
    return RESULTS[name]()


@task(name="fail", max_attempts=1)
def fail(name: str) -> None:
    error = ERRORS[name]()
    raise error


async def test_payloads_of_other_makers_end_their_own_job_at_most(
    client: AsyncClient,
    async_connection: psycopg.AsyncConnection[Any],
    run_worker: RunWorker,
    ended: Ended,
) -> None:
    jobs = {}
    for name, payload in PAYLOADS.items():
        made = await async_connection.execute(
            "select pgqueue.enqueue(queue => %s, task => 'swallow', payload => %s::jsonb, max_attempts => 1)",
            [ODD_NAME, payload],
        )
        jobs[name] = (await made.fetchone() or (0,))[0]
    worker = run_worker(swallow, queues=[ODD_NAME])
    states = {name: (await ended(job)).state for name, job in jobs.items()}

    assert len(await client.dead_letters(queue=ODD_NAME)) == list(states.values()).count("dead")
    assert set(states.values()) <= {"succeeded", "dead"}
    assert {states["the same key twice"], states["wide"], states["escapes"]} == {"succeeded"}
    assert not worker.has_ended


async def test_results_that_cannot_be_kept_end_their_own_job_at_most(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    worker = run_worker(answer)
    jobs = {name: await client.enqueue(answer.job(name=name)) for name in RESULTS}
    records = {name: await ended(job) for name, job in jobs.items()}

    assert {record.state for record in records.values()} <= {"succeeded", "dead"}
    assert {records[name].state for name in ("half a pair", "nul", "too large", "round")} == {"dead"}
    assert all(record.error for record in records.values() if record.state == "dead")
    assert not worker.has_ended


async def test_errors_that_cannot_be_told_are_told_as_far_as_they_can(
    client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    worker = run_worker(fail)
    jobs = [await client.enqueue(fail.job(name=name)) for name in ERRORS]
    records = [await ended(job) for job in jobs]

    assert {record.state for record in records} == {"dead"}
    assert all(record.error and len(str(record.error)) < 200_000 for record in records)
    assert not worker.has_ended


@pytest.mark.parametrize("length", [63, 64])
async def test_a_queues_name_may_be_63_characters_long_whatever_they_are(
    client: AsyncClient, run_worker: RunWorker, ended: Ended, length: int
) -> None:
    name = "\N{PILE OF POO}" * length
    if length > 63:
        with pytest.raises(ValueError, match="63"):
            await client.enqueue(swallow.job(value=1), queue=name)
        return
    worker = run_worker(swallow, queues=[name])
    await worker.asleep()

    assert (await ended(await client.enqueue(swallow.job(value=1), queue=name))).state == "succeeded"
