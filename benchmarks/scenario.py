"""What a scenario is to the command; it must never run one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.contestants import Contestant
from benchmarks.plan import Plan
from benchmarks.rounds import Progress
from benchmarks.rows import Row

USUAL_ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A row of the registry.

    about: one line for --help.
    systems: those it can measure, of any durability. usual: the labels it measures unless told otherwise.
    rounds: how many it usually takes.
    own_servers: why it cannot be measured on given servers; empty if it can, through the plan's `given`.
    """

    name: str
    about: str
    run: Callable[[Sequence[Contestant], Plan, Progress], list[Row]]
    systems: tuple[str, ...]
    usual: tuple[str, ...]
    rounds: int = USUAL_ROUNDS
    own_servers: str = "it starts its servers itself"
