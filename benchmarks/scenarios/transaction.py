"""What a job costs a transaction, and what becomes of it when the application is killed in between.

A job that commits with its order must never be lost or invented: one is enough to fail the run.
"""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from benchmarks.application import Way, place_for, place_until_killed
from benchmarks.contestants import Contestant
from benchmarks.crew import FORKED, Crew
from benchmarks.flow import Flow
from benchmarks.host import Host, postgres_host
from benchmarks.latency import percentile
from benchmarks.plan import Plan
from benchmarks.rounds import Progress, interleave
from benchmarks.rows import Readings, Row, Settings, ratios, rows_of
from benchmarks.shops import Shop, open_shop
from benchmarks.systems.pgqueue import PgQueue

SCENARIO = "transaction"
SECONDS = 2.0
CLIENTS = (1, 8)
KILLS = 100
LONGEST_PAUSE_SECONDS = 0.03
"""Between the first order and the kill, at random: many times as long as one order takes."""
NO_JOB: Way = "no job"
TRANSACTIONAL: Way = "same transaction"
IN_TURN: tuple[Way, ...] = ("commit, then XADD", "XADD, then commit")


@dataclass(frozen=True)
class Case:
    """So many clients at once place orders."""

    shop: Shop
    clients: int

    @property
    def settings(self) -> Settings:
        """What tells it from the others of its system."""
        return {"way": self.shop.way, "clients": self.clients}

    @property
    def key(self) -> tuple[Contestant, Way, int]:
        """By which the case it is compared with is found."""
        return self.shop.contestant, self.shop.way, self.clients


def run(contestants: Sequence[Contestant], plan: Plan, progress: Progress) -> list[Row]:
    """Transactions with a job beside those without; then what kills leave behind."""
    with postgres_host() as host:
        return _cost_rows(contestants, host, plan, progress) + _kill_rows(contestants, host, plan, progress)


def _cost_rows(contestants: Sequence[Contestant], host: Host, plan: Plan, progress: Progress) -> list[Row]:
    with ExitStack() as stack:
        shops = [
            stack.enter_context(open_shop(contestant, way, host))
            for contestant in contestants
            for way in (NO_JOB, _ways(contestant)[0])
        ]
        cases = [Case(shop, clients) for clients in CLIENTS for shop in shops]
        progress.begin(f"{SCENARIO}: cost", len(cases) * plan.rounds)
        measured = partial(measure, seconds=plan.seconds_or(SECONDS))
        readings = interleave(cases, rounds=plan.rounds, measure=measured, progress=progress)
    by_key = {case.key: rounds for case, rounds in zip(cases, readings, strict=True)}
    return [row for case in cases for row in _rows_of_case(case, by_key)]


def _ways(contestant: Contestant) -> tuple[Way, ...]:
    return (TRANSACTIONAL,) if contestant.system == PgQueue.name else IN_TURN


def measure(case: Case, *, seconds: float) -> Readings:
    """One round; nothing is killed, so nothing may be astray at its end."""
    shop, flow = case.shop, Flow(case.clients)
    with Crew(FORKED) as crew:
        hands = [crew.start(place_for, shop.open_till(), flow, seconds) for _ in range(case.clients)]
        took = [each for hand in hands for each in hand.answer()]
    if shop.way != NO_JOB:
        shop.check()
    return {
        "transactions_per_second": len(took) / seconds,
        "transaction_p50_seconds": percentile(took, 0.5),
        "transaction_p99_seconds": percentile(took, 0.99),
    }


def _rows_of_case(case: Case, measured: dict[tuple[Contestant, Way, int], list[Readings]]) -> list[Row]:
    contestant, way, clients = case.key
    make = partial(
        rows_of,
        scenario=SCENARIO,
        system=contestant.system,
        durability=contestant.durability,
        batch=1,
        settings=case.settings,
    )
    rounds, bare = measured[case.key], measured[contestant, NO_JOB, clients]
    if way == NO_JOB:
        return make(rounds)
    shares = ratios(rounds, bare, "transactions_per_second")
    costs = [
        {
            "ratio_to_no_job": share,
            "added_p50_seconds": with_job["transaction_p50_seconds"] - without["transaction_p50_seconds"],
        }
        for share, with_job, without in zip(shares, rounds, bare, strict=True)
    ]
    return make(rounds) + make(costs)


def _kill_rows(contestants: Sequence[Contestant], host: Host, plan: Plan, progress: Progress) -> list[Row]:
    kills = plan.scaled(KILLS)
    with _opened_for_kills(contestants, host) as shops:
        progress.begin(f"{SCENARIO}: kills", len(shops) * kills)
        for _ in range(kills):
            for shop in shops:
                kill_one(shop)
                progress.advance()
        return [row for shop in shops for row in _rows_of_kills(shop, kills)]


@contextmanager
def _opened_for_kills(contestants: Sequence[Contestant], host: Host) -> Iterator[list[Shop]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(open_shop(contestant, way, host))
            for contestant in contestants
            for way in _ways(contestant)
        ]


def kill_one(shop: Shop) -> None:
    """Start an application, and kill -9 it while it places orders."""
    placed = FORKED.Value("q", 0, lock=False)
    with Crew(FORKED) as crew:
        hand = crew.start(place_until_killed, shop.open_till(), placed)
        crew.await_that(lambda: placed.value > 0)
        time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))
        hand.kill()


def _rows_of_kills(shop: Shop, kills: int) -> list[Row]:
    if shop.way == TRANSACTIONAL:
        shop.check()
    return rows_of(
        [{f"{name}_per_100_kills": count * 100 / kills for name, count in shop.astray()._asdict().items()}],
        scenario=SCENARIO,
        system=shop.contestant.system,
        durability=shop.contestant.durability,
        batch=1,
        settings={"way": shop.way, "kills": kills},
    )
