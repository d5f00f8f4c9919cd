"""Tests of `jobs`."""

import json
import shlex
from datetime import timedelta

import pytest

from pgqueue import Client, Job
from pgqueue.cli import jobs
from tests.cli.conftest import Run

GREETING = Job(queue="email", task="tasks.send", payload='{"user_id": 7}', headers={"trace": "abc"})


def test_list_shows_jobs_newest_first(run: Run, client: Client) -> None:
    first, second = client.enqueue(GREETING), client.enqueue(GREETING.options(delay=timedelta(hours=1)))

    output = run("jobs", "list").output

    assert output.index(str(second)) < output.index(str(first))
    assert "scheduled" in output
    assert "not before" in output


@pytest.mark.parametrize(
    "filters",
    [
        ["--state", "scheduled"],
        ["--queue", "bulk"],
        ["--task", "tasks.sweep"],
        ["--queue", "bulk", "--state", "scheduled", "--since", "1h"],
    ],
    ids=" ".join,
)
def test_list_filters(run: Run, client: Client, filters: list[str]) -> None:
    client.enqueue(GREETING)
    wanted = client.enqueue(Job(queue="bulk", task="tasks.sweep", payload="{}", delay=timedelta(hours=1)))

    found = json.loads(run("jobs", "list", *filters, "--json").stdout)

    assert [job["id"] for job in found["jobs"]] == [str(wanted)]
    assert found["next"] is None


def test_list_by_time(run: Run, client: Client) -> None:
    client.enqueue(GREETING)

    assert run("jobs", "list", "--before", "1h").output == "no jobs fit\n"
    assert run("jobs", "list", "--since", "2999-01-01").output == "no jobs fit\n"


def test_list_goes_on_where_it_ended(run: Run, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PAGE", 2)
    enqueued = client.enqueue_many([GREETING] * 5)

    first = run("jobs", "list", "--limit", "3", "--json")
    place = json.loads(first.stdout)["next"]
    second = run("jobs", "list", "--after", place, "--json")
    shown = run("jobs", "list", "--limit", "3")

    listed = [json.loads(result.stdout)["jobs"] for result in (first, second)]
    assert [int(job["id"]) for page in listed for job in page] == sorted(enqueued, reverse=True)
    assert shown.stderr == f"there may be more: --after {place}\n"


def test_a_place_is_told_as_a_shell_reads_it(run: Run, client: Client) -> None:
    client.enqueue_many([GREETING.options(queue="Ann's post")] * 2)

    shown = run("jobs", "list", "--state", "waiting", "--limit", "1")

    assert shlex.split(shown.stderr)[-1].endswith("Ann's post")


def test_list_gives_up_hunting_what_is_rare(
    run: Run, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PAGE", 1)
    monkeypatch.setattr(jobs, "MOST_LOOKS", 2)
    client.enqueue_many([GREETING] * 5)

    found = json.loads(run("jobs", "list", "--json").stdout)

    assert len(found["jobs"]) == 2
    assert found["next"] is not None


def test_a_place_that_is_none_is_told(run: Run) -> None:
    result = run("jobs", "list", "--after", "here")

    assert result.exit_code == 1
    assert result.stderr.startswith("pgqueue: 'here' is not where a page of such jobs ended")


def test_show_tells_everything(run: Run, client: Client) -> None:
    job_id = client.enqueue(GREETING)
    client.fail(client.claim("email").deliveries[0], ValueError("no such mailbox"))

    result = run("jobs", "show", job_id)

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

    shown = json.loads(run("jobs", "show", job_id, "--json").stdout)

    assert shown["id"] == str(job_id)
    assert shown["state"] == "waiting"
    assert shown["payload"] == {"user_id": 7}
    assert shown["attempts"] == []


def test_an_unknown_job_is_told(run: Run) -> None:
    result = run("jobs", "show", 7)

    assert result.exit_code == 1
    assert "there is no job 7" in result.stderr


def test_cancel_a_waiting_job(run: Run, client: Client) -> None:
    job_id = client.enqueue(GREETING)

    result = run("jobs", "cancel", job_id, "--reason", "sent by hand")

    assert result.output == f"job {job_id} was waiting; it is cancelled\n"
    assert (record := client.get(job_id)) is not None
    assert record.state == "cancelled"


def test_cancel_a_running_job(run: Run, client: Client) -> None:
    job_id = client.enqueue(GREETING)
    client.claim("email")

    assert run("jobs", "cancel", job_id).output == f"job {job_id} is running; its worker has been told\n"


def test_an_ended_job_cannot_be_cancelled(run: Run, client: Client) -> None:
    job_id = client.enqueue(GREETING)
    client.finish(client.claim("email").deliveries[0])

    result = run("jobs", "cancel", job_id)

    assert result.exit_code == 1
    assert "has ended (succeeded)" in result.stderr


def test_run_now(run: Run, client: Client) -> None:
    later, waiting = client.enqueue(GREETING, delay=timedelta(hours=1)), client.enqueue(GREETING)

    done = run("jobs", "run-now", later)
    refused = run("jobs", "run-now", later, waiting, 7)

    assert (done.exit_code, done.output) == (0, f"job {later} is due now\n")
    assert refused.exit_code == 1
    assert refused.stderr == (
        f"pgqueue: nothing to hurry: job {later} is waiting, job {waiting} is waiting, job 7 is unknown\n"
    )
    assert len(client.claim("email", limit=10)) == 2


def test_reprioritise(run: Run, client: Client) -> None:
    client.enqueue(GREETING)
    urgent = client.enqueue(GREETING)

    done = run("jobs", "reprioritise", urgent, "--priority", "0")
    claimed = client.claim("email").deliveries[0].id
    refused = run("jobs", "reprioritise", urgent, "--priority", "1")
    out_of_bounds = run("jobs", "reprioritise", urgent, "--priority", "10")

    assert (done.exit_code, done.output, claimed) == (0, f"job {urgent} has priority 0\n", urgent)
    assert (refused.exit_code, refused.stderr) == (1, f"pgqueue: not moved: job {urgent} is running\n")
    assert out_of_bounds.stderr.startswith("pgqueue: priority 10 is not 0 (most urgent) to 9")


def test_what_was_done_in_json(run: Run, client: Client) -> None:
    later = client.enqueue(GREETING, delay=timedelta(hours=1))

    moved = run("jobs", "run-now", later, 7, "--json")
    reprioritised = run("jobs", "reprioritise", later, "--priority", 0, "--json")
    cancelled = run("jobs", "cancel", later, "--json")

    assert moved.exit_code == 1
    assert json.loads(moved.stdout) == {"moved": [str(later)], "left": [{"id": "7", "state": "unknown"}]}
    assert json.loads(reprioritised.stdout) == {"moved": [str(later)], "left": []}
    assert json.loads(cancelled.stdout) == {"id": str(later), "state": "waiting"}
