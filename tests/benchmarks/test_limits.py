from benchmarks.rows import Readings
from benchmarks.scenarios import limits
from benchmarks.scenarios.limits import RATE, Probe, rows_of_probe
from tests.benchmarks.conftest import OURS, TINY, Silence

LIMITS = {
    "copied_rows",
    "commits",
    "round_trips",
    "fsyncs",
    "fdatasyncs",
    "handler_calls",
    "json_calls",
}


def test_every_headline_has_a_share_and_every_step_a_cost() -> None:
    silence = Silence()

    rows = limits.run([OURS], TINY, silence)

    assert silence.turns == 0
    assert all(row.value > 0 for row in rows if row.metric != "cpu_microseconds_per_job")
    assert {row.metric for row in rows if row.system == "machine"} == {
        f"{name}_per_second" for name in LIMITS
    }
    assert {(row.settings["of"], row.batch) for row in rows if row.metric == "share_of_limit"} == {
        ("enqueue_many", 10_000),
        ("lifecycle", 1_000),
        ("lifecycle", 100),
        ("enqueue", 1),
        ("work", 5),
    }
    costs = {
        (row.settings["of"], row.settings["side"]): row.value
        for row in rows
        if row.metric == "cpu_microseconds_per_job" and row.batch == 1_000
    }
    assert set(costs) == {
        (of, side) for of in ("enqueue", "claim", "finish") for side in ("client", "server")
    }
    assert all(value > 0 for value in costs.values())


def test_a_share_is_taken_within_its_round() -> None:
    limit, ours = Probe("commits", 1, float), Probe("enqueue", 1, float, "commits")
    measured: dict[Probe, list[Readings]] = {
        limit: [{RATE: 10.0}, {RATE: 40.0}],
        ours: [{RATE: 5.0}, {RATE: 10.0}],
    }

    rate, share = rows_of_probe(ours, measured, OURS)
    (best,) = rows_of_probe(limit, measured, OURS)

    assert (rate.metric, rate.value) == ("enqueue_per_second", 7.5)
    assert share.value == 0.375
    assert share.settings == {"of": "enqueue", "limit": "commits"}
    assert (best.system, best.metric, best.value) == ("machine", "commits_per_second", 25.0)
