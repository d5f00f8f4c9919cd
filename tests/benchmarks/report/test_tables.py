from benchmarks.report.layout import Table
from benchmarks.report.tables import markdown_of
from tests.benchmarks.report.rows import row


def test_rivals_stand_below_pgqueue_with_the_ratio_and_equal_durability_first() -> None:
    rows = [
        row("redis-streams", 40.0, durability="memory", batch=1),
        row("redis-streams", 50.0, batch=1),
        row("pgqueue", 100.0, batch=1),
        row("pgqueue", 4_000.0, batch=10, spread=0.2),
        row("redis-streams", 8_000.0, batch=10),
    ]

    assert markdown_of(Table(metrics=["jobs_per_second"], across="batch"), rows) == [
        "`jobs_per_second`",
        "",
        "| system | durability | batch 1 | batch 10 |",
        "| --- | --- | ---: | ---: |",
        "| pgqueue | fsync | 100 ±2% | ≈4,000 ±20% |",
        "| redis-streams | fsync | 50 ±2% `2.00x` | 8,000 ±2% `0.50x` |",
        "| redis-streams | memory | 40 ±2% `2.50x`† |  |",
        "",
    ]


def test_what_varies_beside_the_columns_begins_the_lines() -> None:
    rows = [
        row("pgqueue", 100.0, load="full speed", horizon=horizon, clients=1) for horizon in ("free", "pinned")
    ] + [row("pgqueue", 20.0, load="2,000 per second", horizon="free", clients=1)]

    lines = markdown_of(Table(across="horizon"), rows)

    assert lines[2:] == [
        "| load | system | durability | horizon free | horizon pinned |",
        "| --- | --- | --- | ---: | ---: |",
        "| full speed | pgqueue | fsync | 100 ±2% | 100 ±2% |",
        "| 2,000 per second | pgqueue | fsync | 20 ±2% |  |",
        "",
    ]


def test_the_batch_is_shown_only_where_lines_need_it() -> None:
    follows = [
        row("pgqueue", 1.0, batch=100, through="client"),
        row("pgqueue", 2.0, batch=0, through="worker"),
    ]
    varies = [row("pgqueue", 1.0, batch=1), row("pgqueue", 2.0, batch=10)]

    assert markdown_of(Table(), follows)[0] == "| through | system | durability | `jobs_per_second` |"
    assert markdown_of(Table(), varies)[0] == "| batch | system | durability | `jobs_per_second` |"


def test_points_of_a_line_and_what_the_table_leaves_out_are_not_shown() -> None:
    rows = [
        row("pgqueue", 1.0, second=0.5),
        row("pgqueue", 2.0, relation="jobs"),
        row("pgqueue", 3.0, metric="claim_p50_seconds"),
    ]

    assert markdown_of(Table(metrics=["jobs_per_second"], without=["relation"]), rows) == []


def test_one_round_has_no_spread_to_show() -> None:
    (measured,) = [row("pgqueue", 3.0)]
    object.__setattr__(measured, "rounds", 1)

    assert markdown_of(Table(), [measured])[2] == "| pgqueue | fsync | 3 |"
