"""Tests that the client tells what went on lately."""

from datetime import timedelta

from pgqueue import Client, Job


def test_a_client_tells_what_went_on(dsn: str) -> None:
    with Client(dsn) as client:
        client.enqueue_many([Job(task="t", payload="{}"), Job(task="t", payload="{}")])
        done, failed = client.claim("default", limit=2)
        client.finish(done)
        client.fail(failed, ValueError("no"))

        told = client.activity()
        ends = client.last_ends()

    assert (told.total.succeeded, told.total.failed, told.total.success_rate) == (1, 1, 0.5)
    assert told.moment - told.since == timedelta(minutes=1)
    assert {(end.job_id, end.state, end.error_type) for end in ends} == {
        (done.id, "succeeded", None),
        (failed.id, "failed", "ValueError"),
    }


def test_of_nothing_there_is_no_success_rate(dsn: str) -> None:
    with Client(dsn) as client:
        told = client.activity()

    assert (told.total.success_rate, told.by_worker, told.enqueued_rate) == (None, {}, 0)
