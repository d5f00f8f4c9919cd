"""Tests of `dead`."""

import json

import pytest

from pgqueue import Client, Job
from pgqueue.cli import letters
from tests.cli.conftest import Run


def bury(client: Client, *, queue: str = "email", task: str = "tasks.send", error: Exception) -> int:
    """A dead letter."""
    job_id = client.enqueue(Job(queue=queue, task=task, payload='{"user_id": 7}'))
    client.bury(client.claim(queue).deliveries[0], error)
    return job_id


def states(client: Client, *job_ids: int) -> list[str]:
    return [record.state for job_id in job_ids if (record := client.get(job_id)) is not None]


def test_list_tells_when_there_are_none(run: Run) -> None:
    assert run("dead", "list").output == "no dead letters\n"
    assert run("dead", "list", "--queue", "email").output == "no dead letters fit\n"
    assert json.loads(run("dead", "list", "--json").stdout) == []


def test_list_shows_ids_whole_and_newest_first(run: Run, client: Client) -> None:
    first, second = (bury(client, error=ValueError("no such mailbox")) for _ in range(2))

    output = run("dead", "list").output

    assert output.index(str(second)) < output.index(str(first))
    assert "ValueError: no such mailbox" in output


@pytest.mark.parametrize(
    "filters", [["--queue", "bulk"], ["--task", "tasks.sweep"], ["--error", "KeyError"]], ids=lambda f: f[0]
)
def test_list_filters(run: Run, client: Client, filters: list[str]) -> None:
    bury(client, error=ValueError("no such mailbox"))
    wanted = bury(client, queue="bulk", task="tasks.sweep", error=KeyError("broom"))

    found = json.loads(run("dead", "list", *filters, "--json").stdout)

    assert [letter["id"] for letter in found] == [str(wanted)]
    assert {"payload", "headers", "attempts"}.isdisjoint(found[0])


def test_list_since(run: Run, client: Client) -> None:
    job_id = bury(client, error=ValueError("no such mailbox"))

    assert str(job_id) in run("dead", "list", "--since", "1h").output
    assert run("dead", "list", "--since", "2999-01-01").output == "no dead letters fit\n"
    assert run("dead", "list", "--since", "yesterday").exit_code == 2


def test_those_that_died_before_a_moment(run: Run, client: Client) -> None:
    job_id = bury(client, error=ValueError("no such mailbox"))

    assert run("dead", "list", "--before", "1h").output == "no dead letters fit\n"
    assert run("dead", "purge", "--before", "1h", "--yes").output == "deleted: 0 dead letters\n"
    assert run("dead", "purge", "--before", "2999-01-01", "--yes").output == "deleted: 1 dead letter\n"
    assert states(client, job_id) == ["purged"]


def test_what_was_done_in_json(run: Run, client: Client) -> None:
    retried, purged = (bury(client, error=ValueError("no such mailbox")) for _ in range(2))

    put_back = run("dead", "retry", retried, 7, "--json")
    deleted = run("dead", "purge", purged, "--json", "--yes")

    assert (put_back.exit_code, deleted.exit_code) == (1, 0)
    assert json.loads(put_back.stdout) == {"done": [str(retried)], "not_dead": ["7"]}
    assert json.loads(deleted.stdout) == {"done": [str(purged)], "not_dead": []}


def test_list_turns_pages_up_to_its_limit(run: Run, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "PAGE", 2)
    dead = [bury(client, error=ValueError(str(number))) for number in range(5)]

    found = json.loads(run("dead", "list", "--limit", "3", "--json").stdout)
    everything = json.loads(run("dead", "list", "--json").stdout)

    assert [int(letter["id"]) for letter in found] == dead[:1:-1]
    assert [int(letter["id"]) for letter in everything] == dead[::-1]


def test_show_tells_the_whole_story(run: Run, client: Client) -> None:
    job_id = bury(client, error=ValueError("no such mailbox"))

    result = run("dead", "show", job_id)
    data = json.loads(run("dead", "show", job_id, "--json").stdout)

    assert "attempt 1: dead" in result.output
    assert "ValueError: no such mailbox" in result.output
    assert data["attempts"][0]["error"]["type"] == "ValueError"


def test_show_refuses_a_living_job(run: Run, client: Client) -> None:
    job_id = client.enqueue(Job(task="tasks.send", payload="{}"))

    result = run("dead", "show", job_id)

    assert result.exit_code == 1
    assert "is not dead: it is waiting" in result.stderr


def test_retry_by_id_does_not_ask(run: Run, client: Client) -> None:
    dead = [bury(client, error=ValueError("no such mailbox")) for _ in range(2)]

    result = run("dead", "retry", *dead)

    assert (result.exit_code, result.output) == (0, "put back: 2 dead letters\n")
    assert states(client, *dead) == ["waiting", "waiting"]


def test_retry_tells_of_ids_that_were_not_dead(run: Run, client: Client) -> None:
    job_id = bury(client, error=ValueError("no such mailbox"))

    result = run("dead", "retry", job_id, 7)

    assert result.exit_code == 1
    assert "put back: 1 dead letter\n" in result.stdout
    assert result.stderr == "pgqueue: not dead: 7\n"
    assert states(client, job_id) == ["waiting"]


def test_retry_by_filter_asks(run: Run, client: Client) -> None:
    spared = bury(client, error=ValueError("no such mailbox"))
    wanted = bury(client, error=KeyError("broom"))

    refused = run("dead", "retry", "--error", "KeyError", answer="n\n")
    between = states(client, spared, wanted)
    agreed = run("dead", "retry", "--error", "KeyError", answer="y\n")

    assert refused.exit_code == 1
    assert "Put back 1 dead letter?" in refused.output
    assert between == ["dead", "dead"]
    assert agreed.exit_code == 0
    assert states(client, spared, wanted) == ["dead", "waiting"]


def test_retry_all_in_several_transactions(run: Run, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgqueue.cli.dead.CHUNK", 2)
    dead = [bury(client, error=ValueError(str(number))) for number in range(5)]

    result = run("dead", "retry", "--all", "--yes")

    assert result.output == "put back: 5 dead letters\n"
    assert states(client, *dead) == ["waiting"] * 5


def test_purge_asks_even_for_ids(run: Run, client: Client) -> None:
    job_id = bury(client, error=ValueError("no such mailbox"))

    refused = run("dead", "purge", job_id, answer="n\n")
    between = states(client, job_id)
    agreed = run("dead", "purge", job_id, "--yes")

    assert (refused.exit_code, between) == (1, ["dead"])
    assert (agreed.exit_code, agreed.output) == (0, "deleted: 1 dead letter\n")
    assert states(client, job_id) == ["purged"]


@pytest.mark.parametrize("command", ["retry", "purge"])
def test_which_letters_must_be_said_once(run: Run, command: str) -> None:
    assert "which dead letters?" in run("dead", command).stderr
    assert "exclude each other" in run("dead", command, 1, "--all").stderr
    assert "exclude each other" in run("dead", command, "--all", "--queue", "email").stderr
    assert run("dead", command).exit_code == 2


def test_nothing_that_fits_is_no_failure(run: Run) -> None:
    result = run("dead", "retry", "--all")

    assert (result.exit_code, result.output) == (0, "put back: 0 dead letters\n")
