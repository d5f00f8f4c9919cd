"""What a job costs in bytes: of the log, of the tables, of memory; never what was there before."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import pairwise

from benchmarks.contestants import Contestant
from benchmarks.failures import BenchmarkFailed
from benchmarks.host import Host, postgres_host
from benchmarks.plan import Plan
from benchmarks.relations import Relations
from benchmarks.rounds import Progress, interleave
from benchmarks.rows import Readings, Row, rows_of
from benchmarks.servers import redis_server
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.systems.redis_streams import RedisStreams
from benchmarks.systems.system import LoggingSystem

SCENARIO = "storage"
LOGGED_JOBS = {1: 1_000, 10: 5_000, 100: 20_000, 1_000: 20_000}
"""By batch size."""
STORED_JOBS = 10_000
FULL_BATCH = 100
ALL = "all"
HISTORY = ("jobs", "outcomes")
"""What stays of a finished job until its retention is over; the rest goes with the windows of `ready`."""
SETTINGS = {"autovacuum": "off"}
"""Its own writes would fall into one round and not into the next."""


def run(contestants: Sequence[Contestant], plan: Plan, progress: Progress) -> list[Row]:
    """Bytes of the log per job by batch and step; then what jobs take while they wait and once they ended."""
    # Without persistence there is no log.
    logging = [contestant for contestant in contestants if contestant.durability != "memory"]
    turns = len(logging) * len(LOGGED_JOBS) * (plan.rounds + 1) + len(contestants) * plan.rounds
    progress.begin(SCENARIO, turns)
    with postgres_host(SETTINGS) as host:
        return _log_rows(logging, host, plan, progress) + _room_rows(contestants, host, plan, progress)


@contextmanager
def _opened(contestant: Contestant, host: Host) -> Iterator[PgQueue | RedisStreams]:
    """The system on a database or a server of its own."""
    with ExitStack() as stack:
        if contestant.system == PgQueue.name:
            dsn = stack.enter_context(host.database(contestant))
            system: PgQueue | RedisStreams = PgQueue(dsn, contestant.durability)
        else:
            socket_path = stack.enter_context(redis_server(contestant.durability))
            system = RedisStreams(f"unix://{socket_path}", contestant.durability)
        stack.callback(system.close)
        yield system


def _log_rows(contestants: Sequence[Contestant], host: Host, plan: Plan, progress: Progress) -> list[Row]:
    rows: list[Row] = []
    with ExitStack() as stack:
        systems = [stack.enter_context(_opened(contestant, host)) for contestant in contestants]
        # After it, the first change of a page logs the whole page: the warm-up takes that, and none follows.
        host.admin.execute("checkpoint")
        for batch, count in LOGGED_JOBS.items():
            logged = partial(measure_log, jobs=max(plan.scaled(count) // batch, 1) * batch, batch=batch)
            readings = interleave(
                systems, rounds=plan.rounds, warm_up=logged, measure=logged, progress=progress
            )
            for contestant, rounds in zip(contestants, readings, strict=True):
                rows += _rows_by(rounds, contestant, batch, metric="log_bytes_per_job", setting="of")
    return rows


def measure_log(system: LoggingSystem, *, jobs: int, batch: int) -> Readings:
    """Bytes of the log a job, step by step and in all; `jobs` in whole batches."""
    marks = [system.log_bytes()]
    for _ in range(jobs // batch):
        system.enqueue(batch)
    marks.append(system.log_bytes())
    claimed = [system.claim(batch) for _ in range(jobs // batch)]
    marks.append(system.log_bytes())
    for one in claimed:
        system.finish(one)
    marks.append(system.log_bytes())
    if sum(map(len, claimed)) != jobs or system.waiting():
        raise BenchmarkFailed(f"{system.name} has {system.waiting()} of {jobs} jobs left")
    enqueued, held, finished = (after - before for before, after in pairwise(marks))
    spent = {"enqueue": enqueued, "claim": held, "finish": finished, ALL: marks[-1] - marks[0]}
    return {step: count / jobs for step, count in spent.items()}


def _room_rows(contestants: Sequence[Contestant], host: Host, plan: Plan, progress: Progress) -> list[Row]:
    jobs = max(plan.scaled(STORED_JOBS) // FULL_BATCH, 1) * FULL_BATCH
    readings = interleave(
        contestants,
        rounds=plan.rounds,
        measure=partial(measure_room, host=host, jobs=jobs),
        progress=progress,
    )
    rows: list[Row] = []
    for contestant, rounds in zip(contestants, readings, strict=True):
        is_table = contestant.system == PgQueue.name
        metric = "disk_bytes_per_job" if is_table else "memory_bytes_per_job"
        rows += _rows_by(rounds, contestant, FULL_BATCH, metric=metric, setting="state")
    return rows


def measure_room(contestant: Contestant, *, host: Host, jobs: int) -> Readings:
    """Bytes a job while so many wait, and after they ended, in a fresh database or server; whole batches."""
    with _opened(contestant, host) as system:
        _enqueue(system, FULL_BATCH)  # the first pages, the names of the queue and the task
        _consume(system, FULL_BATCH)
        empty = _room(system)
        _enqueue(system, jobs)
        waiting = _room(system)
        _consume(system, jobs)
        finished = _room(system)
    grown = {"waiting": sum(waiting.values()) - sum(empty.values())}
    grown["finished"] = sum(finished.values()) - sum(empty.values())
    if isinstance(system, PgQueue):
        grown["history"] = sum(finished[name] - empty[name] for name in HISTORY)
    return {state: size / jobs for state, size in grown.items()}


def _enqueue(system: LoggingSystem, jobs: int) -> None:
    for _ in range(jobs // FULL_BATCH):
        system.enqueue(FULL_BATCH)


def _consume(system: LoggingSystem, jobs: int) -> None:
    finished = sum(system.consume(FULL_BATCH) for _ in range(jobs // FULL_BATCH))
    if finished != jobs or system.waiting():
        raise BenchmarkFailed(
            f"{system.name} finished {finished} of {jobs} jobs, {system.waiting()} are left"
        )


def _room(system: PgQueue | RedisStreams) -> dict[str, int]:
    """By relation, indexes included; of Redis, all it has allocated."""
    if isinstance(system, RedisStreams):
        return {ALL: system.memory_bytes()}
    relations = Relations(system.dsn)
    try:
        return {name: sample.size_bytes for name, sample in relations.sample().items()}
    finally:
        relations.close()


def _rows_by(
    rounds: Sequence[Readings], contestant: Contestant, batch: int, *, metric: str, setting: str
) -> list[Row]:
    """A row for each reading: its name becomes that setting."""
    return [
        row
        for name in rounds[0]
        for row in rows_of(
            [{metric: reading[name]} for reading in rounds],
            scenario=SCENARIO,
            system=contestant.system,
            durability=contestant.durability,
            batch=batch,
            settings={setting: name},
        )
    ]
