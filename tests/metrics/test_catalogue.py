"""Tests that metrics are named as Prometheus wants it, and that the README tells every one of them."""

import re
from pathlib import Path

import pytest

from pgqueue.metrics.catalogue import BY_NAME, INSTALLATION, WORKER, Metric

README = Path(__file__).parents[2] / "README.md"
BOUNDED = {"queue", "task", "state", "outcome", "relation", "kind", "found"}
EVERY = (*INSTALLATION, *WORKER)


@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: metric.name)
def test_a_metric_is_named_by_the_conventions(metric: Metric) -> None:
    assert re.fullmatch(r"pgqueue_[a-z_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert not re.search(r"_(ms|milliseconds|minutes|kb|mb|count|sum|bucket)$", metric.name)
    assert metric.meaning.endswith(".")


@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: metric.name)
def test_there_is_an_end_to_what_a_label_holds(metric: Metric) -> None:
    assert set(metric.labels) <= BOUNDED


def test_no_two_metrics_share_a_name() -> None:
    assert len(BY_NAME) == len(EVERY)


@pytest.mark.parametrize("metric", [each for each in EVERY if each.bounds], ids=lambda metric: metric.name)
def test_buckets_stand_in_order(metric: Metric) -> None:
    assert list(metric.bounds) == sorted(set(metric.bounds))


def line(metric: Metric) -> str:
    """A metric's line in the README."""
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning} |"


@pytest.mark.parametrize("metrics", [INSTALLATION, WORKER], ids=["installation", "worker"])
def test_the_readme_has_every_metric_in_a_table(metrics: tuple[Metric, ...]) -> None:
    table = "\n".join(line(metric) for metric in metrics)

    assert table in README.read_text(), f"the table should be:\n{table}"
