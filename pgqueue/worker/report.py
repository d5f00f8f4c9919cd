"""A worker's report as the calls that make it."""

from collections.abc import Sequence
from typing import Any

from pgqueue.calls.call import Call
from pgqueue.calls.finish import Ending, finish, finish_all
from pgqueue.worker.book import Part, Word


def report_calls(parts: Sequence[Part]) -> list[Call[Any]]:
    """One call for the claims whose jobs all plainly succeeded, one for everything else; at most two."""
    plain = [part for part in parts if part.is_plain]
    endings = [
        ending_of(part.claim, job, word)
        for part in parts
        if not part.is_plain
        for job, word in part.endings.items()
    ]
    calls: list[Call[Any]] = []
    if plain:
        calls.append(finish_plain(plain))
    if endings:
        calls.append(finish(endings))
    return calls


def finish_plain(parts: Sequence[Part]) -> Call[list[int]]:
    """All jobs of these claims have succeeded, each in its time."""
    seconds: list[Any] = []
    offsets: list[int] = []
    for part in parts:
        offsets.append(len(seconds))
        seconds.extend(part.endings[job] for job in part.held.jobs)
    return finish_all([part.claim for part in parts], offsets, seconds)


def ending_of(claim: int, job: int, word: Word) -> Ending:
    """The ending in full."""
    return word if isinstance(word, Ending) else Ending(claim, job, run_seconds=word)


def soonest_return(parts: Sequence[Part]) -> float | None:
    """In how many seconds the first of these jobs may be run again; None if none will be."""
    delays = [
        word.delay
        for part in parts
        if not part.is_plain
        for word in part.endings.values()
        if isinstance(word, Ending) and word.delay is not None
    ]
    return min(delays).total_seconds() if delays else None


def seconds_of(parts: Sequence[Part]) -> tuple[int, float]:
    """How many of these jobs were timed, and their run times added up."""
    times = [
        word.run_seconds if isinstance(word, Ending) else word
        for part in parts
        for word in part.endings.values()
    ]
    timed = [seconds for seconds in times if seconds is not None]
    return len(timed), sum(timed)
