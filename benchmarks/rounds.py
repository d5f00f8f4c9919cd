"""Interleaves contestants round by round (A B C, A B C); it must never know what they measure."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from benchmarks.rows import Readings

Contestant = TypeVar("Contestant")


class Progress(Protocol):
    """Hears what is being measured, for whoever is watching."""

    def begin(self, title: str, turns: int) -> None:
        """So many turns follow under this title."""

    def advance(self) -> None:
        """One of them is done."""


def interleave(
    contestants: Sequence[Contestant],
    *,
    rounds: int,
    measure: Callable[[Contestant], Readings],
    progress: Progress,
    warm_up: Callable[[Contestant], object] | None = None,
) -> list[list[Readings]]:
    """Readings of every contestant, in the order given: one list of rounds each.

    Without `warm_up`, each measurement warms up by itself. The progress hears of one turn more per
    contestant with it.
    """
    if warm_up:
        for contestant in contestants:
            warm_up(contestant)
            progress.advance()
    readings: list[list[Readings]] = [[] for _ in contestants]
    for _ in range(rounds):
        for position, contestant in enumerate(contestants):
            readings[position].append(measure(contestant))
            progress.advance()
    return readings
