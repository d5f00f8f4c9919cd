"""Tests of `queues`."""

import json
from datetime import timedelta

from pgqueue import Client, Job
from tests.cli.conftest import Run


def test_a_paused_queue_gives_out_nothing_until_resumed(run: Run, client: Client) -> None:
    client.enqueue(Job(queue="email", task="tasks.send", payload="{}"))

    assert run("queues", "pause", "email").output == "queue email is paused\n"
    while_paused = len(client.claim("email"))
    assert run("queues", "resume", "email").output == "queue email goes on\n"

    assert (while_paused, len(client.claim("email"))) == (0, 1)


def test_queues_tell_what_they_hold(run: Run, client: Client) -> None:
    job = Job(queue="email", task="tasks.send", payload="{}")
    client.enqueue_many([job] * 3)
    client.enqueue(job, delay=timedelta(hours=1))
    client.claim("email")
    client.bury(client.claim("email").deliveries[0], "no such mailbox")
    client.pause("email")

    (told,) = json.loads(run("queues", "--json").stdout)
    shown = run("queues").stdout

    assert [told[name] for name in ("waiting", "scheduled", "running", "dead")] == [1, 1, 1, 1]
    assert told["paused_at"] is not None
    assert told["oldest_seconds"] >= 0
    assert told["estimated"] == []
    assert "email" in shown
    assert "paused" in shown


def test_no_queues(run: Run) -> None:
    assert run("queues").output == "no queues: nothing was ever enqueued\n"
    assert json.loads(run("queues", "--json").stdout) == []


def test_pause_and_resume_in_json(run: Run) -> None:
    told = [json.loads(run("queues", word, "email", "--json").stdout) for word in ("pause", "resume")]

    assert told == [{"queue": "email", "paused": True}, {"queue": "email", "paused": False}]
