"""What a fleet of idle workers costs, and how soon a job wakes one of them; the fleets must never be busy."""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from benchmarks.contestants import Contestant
from benchmarks.fleets import FLEET_SETTINGS, Fleet, stream_fleet, worker_fleet
from benchmarks.host import Host, postgres_host
from benchmarks.latency import percentile
from benchmarks.plan import Plan
from benchmarks.rounds import Progress, interleave
from benchmarks.rows import Readings, Row, rows_of
from benchmarks.systems.pgqueue import PgQueue

SCENARIO = "idle"
SECONDS = 20.0
WORKERS = 50
PICKUPS = 200
PICKUPS_BEFORE = 5
"""Not counted: the first job of a kind imports, connects and plans."""
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.15, 0.35
"""Between two jobs: long enough that the whole fleet sleeps, uneven so that no timer falls into step."""
FALL_ASLEEP_SECONDS = 1.0


def run(contestants: Sequence[Contestant], plan: Plan, progress: Progress) -> list[Row]:
    """Per system: queries and CPU of an idle fleet, then how soon one job starts."""
    size = plan.scaled(WORKERS, least=2)
    progress.begin(SCENARIO, len(contestants) * plan.rounds)
    measured = partial(measure, seconds=plan.seconds_or(SECONDS), pickups=plan.scaled(PICKUPS), size=size)
    with open_fleets(contestants, size, warm_up=plan.scaled(PICKUPS_BEFORE)) as (fleets, alone):
        readings = interleave(fleets, rounds=plan.rounds, measure=measured, progress=progress)
    rows: list[Row] = []
    for fleet, rounds in zip(fleets, readings, strict=True):
        make = partial(
            rows_of,
            scenario=SCENARIO,
            system=fleet.contestant.system,
            durability=fleet.contestant.durability,
            batch=1,
        )
        rows += make(rounds, settings={"workers": size})
        if fleet.contestant.system == PgQueue.name:
            rows += make([{"server_cpu_cores": alone}], settings={"workers": 0})
    return rows


@contextmanager
def open_fleets(
    contestants: Sequence[Contestant], size: int, *, warm_up: int
) -> Iterator[tuple[list[Fleet], float]]:
    """All fleets at once, asleep; and the cores PostgreSQL takes while nobody is connected."""
    with ExitStack() as stack:
        host = stack.enter_context(postgres_host(FLEET_SETTINGS))
        host.admin.execute("create extension pg_stat_statements")
        alone = _cores_alone(host)
        fleets: list[Fleet] = []
        for contestant in contestants:
            if contestant.system == PgQueue.name:
                fleets.append(stack.enter_context(worker_fleet(contestant, host, size)))
            else:
                fleets.append(stack.enter_context(stream_fleet(contestant, size)))
        for fleet in fleets:
            pickups(fleet, warm_up)
        yield fleets, alone


def _cores_alone(host: Host) -> float:
    before, began = host.cpu_seconds(), time.monotonic()
    time.sleep(FALL_ASLEEP_SECONDS)
    return (host.cpu_seconds() - before) / (time.monotonic() - began)


def measure(fleet: Fleet, *, seconds: float, pickups: int, size: int) -> Readings:
    """One round: watch the fleet sleep, then wake it job by job."""
    time.sleep(FALL_ASLEEP_SECONDS)
    cost = _cost(fleet, seconds, size)
    fleet.check_alive()
    return cost | _delays(fleet, pickups)


def _cost(fleet: Fleet, seconds: float, size: int) -> dict[str, float]:
    queries, server, workers = fleet.queries(), fleet.server_cpu_seconds(), fleet.fleet_cpu_seconds()
    began = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    return {
        "queries_per_second_per_worker": (fleet.queries() - queries) / took / size,
        "server_cpu_cores": (fleet.server_cpu_seconds() - server) / took,
        "fleet_cpu_cores": (fleet.fleet_cpu_seconds() - workers) / took,
    }


def _delays(fleet: Fleet, count: int) -> dict[str, float]:
    """From the call that sends a job, its commit included, and from that call's return."""
    delays = pickups(fleet, count)
    from_call = [start - called for called, _, start in delays]
    from_return = [max(start - returned, 0.0) for _, returned, start in delays]
    return {
        "pickup_p50_seconds": percentile(from_call, 0.5),
        "pickup_p99_seconds": percentile(from_call, 0.99),
        "pickup_from_return_p50_seconds": percentile(from_return, 0.5),
        "pickup_from_return_p99_seconds": percentile(from_return, 0.99),
        "enqueue_p50_seconds": percentile([returned - called for called, returned, _ in delays], 0.5),
    }


def pickups(fleet: Fleet, count: int) -> list[tuple[float, float, float]]:
    """So many jobs, one at a time: when each was sent, when that returned, when its handler started."""
    return [_pickup(fleet) for _ in range(count)]


def _pickup(fleet: Fleet) -> tuple[float, float, float]:
    time.sleep(random.uniform(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS))
    called = time.monotonic_ns()
    fleet.send()
    returned = time.monotonic_ns()
    return called / 1e9, returned / 1e9, fleet.stamps.next_start().at_ns / 1e9
