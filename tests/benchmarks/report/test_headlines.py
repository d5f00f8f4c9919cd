from benchmarks.plan import Plan
from benchmarks.report.headlines import HEAD, markdown_of
from benchmarks.report.layout import Headline, Section
from benchmarks.rows import Row
from tests.benchmarks.report.rows import row


def lines_of(headline: Headline, rows: list[Row]) -> list[str]:
    section = Section(scenario="lifecycle", full=Plan(rounds=1), headlines=[headline])
    return markdown_of([section], rows)


def test_a_headline_names_the_best_rival_of_equal_durability() -> None:
    rows = [
        row("pgqueue", 300.0, batch=10),
        row("pgqueue", 999.0, batch=1),
        row("usual-table", 100.0, batch=10),
        row("redis-streams", 200.0, batch=10, spread=0.3),
        row("redis-streams", 900.0, batch=10, durability="everysec"),
    ]

    assert lines_of(Headline(about="all of it", metric="jobs_per_second", batch=10), rows) == [
        *HEAD,
        "| lifecycle | all of it | **300 ±2%** | redis-streams:fsync ≈200 ±30% | **1.50x** |",
        "",
    ]


def test_the_best_of_what_should_be_little_is_the_least() -> None:
    rows = [
        row(system, value, metric="latency_p50_seconds", rate=100)
        for system, value in (("pgqueue", 0.002), ("redis-streams", 0.001), ("usual-table", 0.004))
    ]

    headline = Headline(about="wait", metric="latency_p50_seconds", settings={"rate": 100})

    assert lines_of(headline, rows)[2].endswith("| redis-streams:fsync 1 ms ±2% | **0.50x** |")


def test_another_durability_is_a_rival_only_on_purpose() -> None:
    rows = [row("pgqueue", 300.0), row("redis-streams", 600.0, durability="memory")]

    alone = lines_of(Headline(about="a", metric="jobs_per_second"), rows)
    against = lines_of(Headline(about="a", metric="jobs_per_second", against="memory"), rows)

    assert alone[2] == "| lifecycle | a | **300 ±2%** |  |  |"
    assert against[2] == "| lifecycle | a | **300 ±2%** | redis-streams:memory 600 ±2% | **0.50x** |"


def test_a_limit_of_the_machine_is_no_rival_and_what_was_not_measured_no_headline() -> None:
    rows = [row("pgqueue", 300.0), row("machine", 600.0)]

    assert lines_of(Headline(about="a", metric="jobs_per_second"), rows)[2].endswith("|  |  |")
    assert lines_of(Headline(about="a", metric="no_such_metric"), rows) == []
