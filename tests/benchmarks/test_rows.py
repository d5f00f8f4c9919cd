import json

from benchmarks.rows import as_json, ratios, rows_of, spread


def test_a_row_is_the_median_of_its_rounds_and_tells_what_varies() -> None:
    readings = [{"jobs_per_second": value} for value in (1.0, 3.0, 2.0)]

    (row,) = rows_of(
        readings, scenario="s", system="pgqueue", durability="fsync", batch=1, settings={"claimers": 4}
    )

    assert json.loads(as_json([row])) == [
        {
            "scenario": "s",
            "system": "pgqueue",
            "durability": "fsync",
            "batch": 1,
            "metric": "jobs_per_second",
            "value": 2.0,
            "rounds": 3,
            "spread": 0.25,
            "settings": {"claimers": 4},
        }
    ]


def test_a_single_round_and_a_median_of_zero_have_no_spread() -> None:
    assert spread([5.0]) == 0.0
    assert spread([0.0, 0.0, 3.0]) == 0.0


def test_a_ratio_compares_within_its_round() -> None:
    assert ratios([{"m": 2.0}, {"m": 9.0}], [{"m": 1.0}, {"m": 3.0}], "m") == [2.0, 3.0]
    assert ratios([{"m": 2.0}], [{"m": 0.0}], "m") == [0.0]
