"""Tests of what is told as news, and that nothing is told twice."""

from datetime import timedelta
from typing import Any

from pgqueue import End
from pgqueue.dashboard.news import News
from tests.dashboard.looks import NOW, look, queue, worker


def end(job: int, **fields: Any) -> End:
    values: dict[str, Any] = {
        "queue": "mail",
        "task": "send",
        "finished_at": NOW,
        "worker": 7,
        "attempt": 1,
        "state": "succeeded",
        "run_seconds": 0.1,
        "error_type": None,
    }
    return End(job_id=job, **(values | fields))


def test_attempts_are_told_once() -> None:
    news = News()
    first = news.of(look(ends=(end(2), end(1))))
    second = news.of(
        look(
            ends=(
                end(3, finished_at=NOW + timedelta(seconds=1), state="failed", error_type="OSError"),
                end(2),
            ),
            seconds=2,
        )
    )

    assert [event.job for event in first] == [2, 1]
    assert [(event.job, event.kind, event.text) for event in second] == [
        (3, "failed", "send failed, will be retried (OSError)")
    ]


def test_old_attempts_that_come_into_sight_are_no_news() -> None:
    news = News()
    news.of(look(ends=(end(2),)))

    assert news.of(look(ends=(end(1, finished_at=NOW - timedelta(minutes=1)),), seconds=2)) == []


def test_workers_come_and_go() -> None:
    news = News()
    news.of(look(workers=(worker(1), worker(2))))

    told = news.of(look(workers=(worker(2, is_alive=False), worker(3)), seconds=2))

    assert sorted(event.text for event in told) == [
        "worker here:101 is gone",
        "worker here:102 is gone",
        "worker here:103 joined",
    ]


def test_queues_are_paused_and_resumed() -> None:
    news = News()
    news.of(look(queues=(queue("a"), queue("b", paused_at=NOW))))

    told = news.of(look(queues=(queue("a", paused_at=NOW), queue("b"), queue("new")), seconds=2))

    assert sorted(event.text for event in told) == ["queue a paused", "queue b resumed"]


def test_who_is_there_at_the_first_look_is_no_news() -> None:
    assert News().of(look(workers=(worker(),), queues=(queue(paused_at=NOW),))) == []
