"""Tests of `job`."""

import json

from pgqueue import Client, Job
from tests.cli.conftest import Run

GREETING = Job(queue="email", task="tasks.send", payload='{"user_id": 7}', headers={"trace": "abc"})


def test_show_tells_everything(run: Run, client: Client) -> None:
    job_id = client.enqueue(GREETING)
    client.fail(client.claim("email").deliveries[0], ValueError("no such mailbox"))

    result = run("job", "show", job_id)

    assert result.exit_code == 0
    for part in (
        str(job_id),
        "waiting",
        "tasks.send",
        '{"user_id": 7}',
        '"abc"',
        "ValueError: no such mailbox",
    ):
        assert part in result.output
    assert "attempt 1: failed" in result.output


def test_show_as_json_has_ids_as_text(run: Run, client: Client) -> None:
    job_id = client.enqueue(GREETING)

    shown = json.loads(run("job", "show", job_id, "--json").stdout)

    assert shown["id"] == str(job_id)
    assert shown["state"] == "waiting"
    assert shown["payload"] == {"user_id": 7}
    assert shown["attempts"] == []


def test_an_unknown_job_is_told(run: Run) -> None:
    result = run("job", "show", 7)

    assert result.exit_code == 1
    assert "there is no job 7" in result.stderr


def test_cancel_a_waiting_job(run: Run, client: Client) -> None:
    job_id = client.enqueue(GREETING)

    result = run("job", "cancel", job_id, "--reason", "sent by hand")

    assert result.output == f"job {job_id} was waiting; it is cancelled\n"
    assert (record := client.get(job_id)) is not None
    assert record.state == "cancelled"


def test_cancel_a_running_job(run: Run, client: Client) -> None:
    job_id = client.enqueue(GREETING)
    client.claim("email")

    assert run("job", "cancel", job_id).output == f"job {job_id} is running; its worker has been told\n"


def test_an_ended_job_cannot_be_cancelled(run: Run, client: Client) -> None:
    job_id = client.enqueue(GREETING)
    client.finish(client.claim("email").deliveries[0])

    result = run("job", "cancel", job_id)

    assert result.exit_code == 1
    assert "has ended (succeeded)" in result.stderr
