"""Tests of `queue`."""

from pgqueue import Client, Job
from tests.cli.conftest import Run


def test_a_paused_queue_gives_out_nothing_until_resumed(run: Run, client: Client) -> None:
    client.enqueue(Job(queue="email", task="tasks.send", payload="{}"))

    assert run("queue", "pause", "email").output == "queue email is paused\n"
    while_paused = len(client.claim("email"))
    assert run("queue", "resume", "email").output == "queue email goes on\n"

    assert (while_paused, len(client.claim("email"))) == (0, 1)
