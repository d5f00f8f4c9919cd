"""The report's sections, in its order; adding a scenario to the report is adding it here."""

from benchmarks.plan import Plan
from benchmarks.plots.latency import draw_latency
from benchmarks.plots.lifecycle import draw_lifecycle
from benchmarks.plots.pinned import draw_pinned
from benchmarks.report.layout import Headline, Section, Table
from benchmarks.scenarios import (
    durability,
    idle,
    latency,
    lifecycle,
    limits,
    payload,
    pinned,
    recovery,
    soak,
    storage,
    transaction,
    worker,
)

FULL_SPEED = {"through": "client", "load": "full speed", "horizon": "pinned"}
SECTIONS = (
    Section(
        scenario=lifecycle.SCENARIO,
        full=Plan(rounds=5, divisor=2),
        quick=Plan(rounds=3, divisor=10),
        tables=[
            Table(metrics=[metric], across="batch")
            for metric in ("jobs_per_second", "enqueue_per_second", "consume_per_second")
        ],
        headlines=[
            *(
                Headline(
                    about=f"enqueue, claim and finish, batch {batch:,}, jobs/s",
                    metric="jobs_per_second",
                    batch=batch,
                )
                for batch in lifecycle.JOBS_PER_ROUND
            ),
            *(
                Headline(
                    about=f"the same against a Redis that keeps nothing, batch {batch:,}, jobs/s",
                    metric="jobs_per_second",
                    batch=batch,
                    against="memory",
                )
                for batch in (100, 1_000)
            ),
        ],
        draw=draw_lifecycle,
        plot="lifecycle.png",
    ),
    Section(
        scenario=worker.SCENARIO,
        full=Plan(rounds=3, divisor=5),
        quick=Plan(rounds=3, divisor=20),
        quick_systems=["pgqueue:fsync", "redis-streams:fsync"],
        headlines=[
            Headline(about="one worker process drains, start-up aside, jobs/s", metric="drain_per_second"),
            Headline(about="one call of enqueue_many, jobs/s", metric="enqueue_per_second"),
            Headline(about="an idle worker picks up a job, median", metric="pickup_p50_seconds"),
        ],
    ),
    Section(
        scenario=limits.SCENARIO,
        full=Plan(rounds=3, divisor=3),
        quick=Plan(rounds=3, divisor=20),
        tables=[
            Table(across="limit", metrics=["share_of_limit"]),
            Table(without=["of"], across="value"),
            Table(metrics=["cpu_microseconds_per_job"], across="side"),
        ],
    ),
    Section(
        scenario=latency.SCENARIO,
        full=Plan(rounds=3, divisor=2, seconds=1),
        quick=Plan(rounds=3, divisor=6, seconds=0.5),
        quick_systems=["pgqueue:fsync", "redis-streams:fsync"],
        tables=[
            Table(metrics=[f"latency_{name}_seconds" for name in latency.SHARES], across="rate"),
            Table(metrics=["achieved_per_second"], across="rate"),
        ],
        headlines=[
            Headline(about=f"{about}, {title}", metric=f"latency_{name}_seconds", settings={"rate": rate})
            for about, rate in (("an idle consumer starts a job", latency.IDLE), ("at 1,000 jobs/s", 1_000))
            for title, name in (("median", "p50"), ("99th percentile", "p99"))
        ],
        draw=draw_latency,
        plot="latency.png",
    ),
    Section(
        scenario=payload.SCENARIO,
        full=Plan(rounds=3, divisor=2),
        quick=Plan(rounds=3, divisor=20),
        quick_systems=["pgqueue:fsync", "redis-streams:fsync"],
        tables=[Table(metrics=["jobs_per_second"], across="body_bytes")],
        headlines=[
            Headline(
                about=f"bodies of 10 kB, batch {batch}, jobs/s",
                metric="jobs_per_second",
                batch=batch,
                settings={"body_bytes": 10_000},
            )
            for batch in (1, 100)
        ],
    ),
    Section(
        scenario=storage.SCENARIO,
        full=Plan(rounds=3, divisor=2),
        quick=Plan(rounds=3, divisor=20),
        tables=[
            Table(metrics=["log_bytes_per_job"], across="of"),
            Table(metrics=["disk_bytes_per_job", "memory_bytes_per_job"], across="state"),
        ],
        headlines=[
            Headline(
                about=f"bytes of log a job, outcome included, batch {batch}",
                metric="log_bytes_per_job",
                batch=batch,
                settings={"of": storage.ALL},
            )
            for batch in (1, 100)
        ],
    ),
    Section(
        scenario=transaction.SCENARIO,
        full=Plan(rounds=3, divisor=4, seconds=1),
        quick=Plan(rounds=3, divisor=20, seconds=0.3),
        quick_systems=["pgqueue:fsync", "redis-streams:fsync"],
        tables=[
            Table(metrics=["transactions_per_second"], across="way"),
            Table(metrics=["ratio_to_no_job", "added_p50_seconds"], across="clients"),
            Table(metrics=["orders_without_job_per_100_kills", "jobs_without_order_per_100_kills"]),
        ],
        headlines=[
            Headline(
                about="what a job adds to a transaction, median, one client",
                metric="added_p50_seconds",
                settings={"clients": 1},
            )
        ],
    ),
    Section(
        scenario=durability.SCENARIO,
        full=Plan(rounds=3),
        quick=Plan(rounds=3, divisor=6),
        quick_systems=["pgqueue:fsync", "redis-streams:fsync", "redis-streams:everysec"],
        headlines=[Headline(about="acknowledged jobs that kill -9 of the server took", metric="lost_jobs")],
    ),
    Section(
        scenario=pinned.SCENARIO,
        full=Plan(rounds=3, seconds=2.5),
        quick=Plan(rounds=1, seconds=1),
        tables=[
            Table(metrics=["jobs_per_second"], across="horizon"),
            Table(metrics=["claim_p99_seconds"], across="horizon"),
            Table(metrics=["throughput_ratio"], across="load"),
        ],
        headlines=[
            Headline(
                about="full speed beside a long transaction, jobs/s",
                metric="jobs_per_second",
                settings=FULL_SPEED,
            ),
            Headline(
                about="claims beside a long transaction, 99th percentile",
                metric="claim_p99_seconds",
                settings=FULL_SPEED,
            ),
        ],
        draw=draw_pinned,
        plot="pinned.png",
    ),
    Section(scenario=idle.SCENARIO, full=Plan(rounds=3, divisor=10)),
    Section(
        scenario=recovery.SCENARIO,
        full=Plan(rounds=3, divisor=4),
        tables=[Table(across="killed")],
    ),
    Section(
        scenario=soak.SCENARIO,
        full=Plan(rounds=1, minutes=0.75),
        quick=Plan(rounds=1, minutes=0.15),
        tables=[Table(across="value", without=["relation"])],
        plot="soak.png",
    ),
)
