"""Which scenarios there are, and whom each measures; it must never run one."""

from collections.abc import Sequence

from benchmarks.contestants import CONTESTANTS, Contestant
from benchmarks.peers.catalogue import PEERS
from benchmarks.scenario import Scenario
from benchmarks.scenarios import (
    backlog,
    contention,
    durability,
    idle,
    latency,
    lifecycle,
    limits,
    notify,
    payload,
    pinned,
    recovery,
    soak,
    storage,
    transaction,
    worker,
)

LIFECYCLE = (
    "pgqueue:fsync",
    "redis-streams:fsync",
    "pgqueue:fsync-enqueue",
    "pgqueue:everysec",
    "redis-streams:everysec",
    "redis-streams:memory",
)
TABLES = ("pgqueue:fsync", "usual-table:fsync")

ALL = (
    Scenario(
        name=lifecycle.SCENARIO,
        about="enqueue, claim and finish by one client, at several batch sizes",
        run=lifecycle.run,
        systems=("pgqueue", "redis-streams", "pgqueuer", "pgmq"),
        usual=LIFECYCLE,
        own_servers="",
    ),
    Scenario(
        name=worker.SCENARIO,
        about="one worker process: drain, bulk enqueue, pickup when idle",
        run=worker.run,
        systems=("pgqueue", "redis-streams", *PEERS),
        usual=(
            "pgqueue:fsync",
            "pgqueue:everysec",
            "redis-streams:fsync",
            *(f"{peer}:fsync" for peer in PEERS),
        ),
        own_servers="",
    ),
    Scenario(
        name=limits.SCENARIO,
        about="what this machine does at best, our share of it, and what a job costs in CPU",
        run=limits.run,
        systems=("pgqueue",),
        usual=("pgqueue:fsync",),
        rounds=3,
        own_servers="it counts the CPU of the server's sessions, and measures their disk",
    ),
    Scenario(
        name=latency.SCENARIO,
        about="from the moment a job is due to its handler's first line: idle, and at fixed rates",
        run=latency.run,
        systems=("pgqueue", "redis-streams"),
        usual=(
            "pgqueue:fsync",
            "redis-streams:fsync",
            "pgqueue:everysec",
            "redis-streams:everysec",
            "redis-streams:memory",
        ),
        rounds=3,
        own_servers="its consumers are processes beside servers of their own",
    ),
    Scenario(
        name=payload.SCENARIO,
        about="enqueue, claim and finish with bodies from 100 bytes to 100 kB",
        run=payload.run,
        systems=("pgqueue", "redis-streams"),
        usual=("pgqueue:fsync", "redis-streams:fsync", "redis-streams:memory"),
        rounds=3,
        own_servers="",
    ),
    Scenario(
        name=storage.SCENARIO,
        about="bytes of log, disk and memory per job",
        run=storage.run,
        systems=("pgqueue", "redis-streams"),
        usual=("pgqueue:fsync", "redis-streams:fsync"),
        rounds=3,
        own_servers="it needs a server without autovacuum, on which nobody else writes",
    ),
    Scenario(
        name=transaction.SCENARIO,
        about="what a job costs an application's transaction, and what a kill in between loses or invents",
        run=transaction.run,
        systems=("pgqueue", "redis-streams"),
        usual=("pgqueue:fsync", "redis-streams:fsync", "redis-streams:everysec"),
        rounds=3,
        own_servers="the application has a database and a Redis of its own",
    ),
    Scenario(
        name=durability.SCENARIO,
        about="kill -9 the server under load: acknowledged jobs that are gone",
        run=durability.run,
        systems=("pgqueue", "redis-streams"),
        usual=(
            "pgqueue:fsync",
            "redis-streams:fsync",
            "pgqueue:everysec",
            "redis-streams:everysec",
            "redis-streams:memory",
        ),
        rounds=1,
        own_servers="it kills them",
    ),
    Scenario(
        name=pinned.SCENARIO,
        about="throughput and claims while a long transaction holds the xmin horizon",
        run=pinned.run,
        systems=("pgqueue", "usual-table"),
        usual=TABLES,
        rounds=3,
        own_servers="",
    ),
    Scenario(
        name=notify.SCENARIO,
        about="what waking costs 32 clients that enqueue one job per transaction",
        run=notify.run,
        systems=("pgqueue",),
        usual=("pgqueue:fsync",),
        own_servers="",
    ),
    Scenario(
        name=idle.SCENARIO,
        about="what a fleet of idle workers costs, and how soon a job wakes one",
        run=idle.run,
        systems=("pgqueue", "redis-streams"),
        usual=("pgqueue:fsync", "redis-streams:fsync"),
        rounds=3,
        own_servers="it counts the CPU of the server's processes",
    ),
    Scenario(
        name=recovery.SCENARIO,
        about="from kill -9 of a worker to the next start of its job",
        run=recovery.run,
        systems=("pgqueue", "redis-streams"),
        usual=("pgqueue:fsync", "redis-streams:fsync"),
        own_servers="",
    ),
    Scenario(
        name=backlog.SCENARIO,
        about="what a claim costs with 10 thousand to 10 million jobs waiting",
        run=backlog.run,
        systems=("pgqueue", "usual-table"),
        usual=TABLES,
        own_servers="it counts the CPU of the claimer's session",
    ),
    Scenario(
        name=contention.SCENARIO,
        about="how fast 1 to 64 claimers drain a queue",
        run=contention.run,
        systems=("pgqueue", "usual-table", "redis-streams"),
        usual=(*TABLES, "redis-streams:fsync"),
        rounds=3,
        own_servers="",
    ),
    Scenario(
        name=soak.SCENARIO,
        about="a steady load for minutes over short partition windows, and a plot",
        run=soak.run,
        systems=("pgqueue",),
        usual=("pgqueue:fsync",),
        rounds=1,
        own_servers="",
    ),
)
SCENARIOS = {scenario.name: scenario for scenario in ALL}


def chosen_for(scenario: Scenario, wanted: Sequence[str]) -> list[Contestant]:
    """The contestants that answer to one of these names and that the scenario can measure; without names,
    its usual ones.
    """
    names = {*wanted} or {*scenario.usual}
    return [
        contestant
        for contestant in CONTESTANTS
        if names & {contestant.system, contestant.label} and contestant.system in scenario.systems
    ]
