"""Tests of what is summed, and of how long the manifests let a lag go unseen."""

from pgqueue.metrics.exporter import INTERVAL
from tests.drill.autoscaler import SYNC_SECONDS
from tests.drill.manifests import Selected, scrape_seconds, selected
from tests.drill.scraping import summed
from tests.drill.verdict import LAG_SECONDS

SCRAPED = """
pgqueue_queue_jobs{queue="a",state="waiting"} 5
pgqueue_queue_jobs{queue="b",state="running"} 7
pgqueue_queue_jobs{queue="b",state="dead"} 100
pgqueue_workers{state="alive"} 3
"""


def test_the_samples_selected_are_summed() -> None:
    assert summed(SCRAPED, selected()) == 12


def test_where_there_are_none_there_is_no_sum() -> None:
    assert summed("pgqueue_up 0\n", selected()) is None
    assert summed(SCRAPED, Selected("pgqueue_queue_jobs", {"queue": frozenset({"c"})})) is None


def test_sampled_scraped_and_looked_at_a_lag_is_answered_in_time() -> None:
    assert INTERVAL.total_seconds() + scrape_seconds() + SYNC_SECONDS <= LAG_SECONDS
