"""Tests of `enqueue`: one job, and files of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import psycopg
import pytest

from pgqueue import Client
from pgqueue.cli import enqueue_lines, job_lines
from pgqueue.cli.job_lines import Line
from tests.cli.conftest import Run

GOOD = '{"task": "tasks.send", "queue": "email", "payload": {"user_id": 7}}'

# Ends the session that enqueues to queue `fatal`, when it commits.
LOST_AT_COMMIT = """
    create function public.end_session() returns trigger language plpgsql as
    $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
    create constraint trigger lost after insert on pgqueue.queues deferrable initially deferred
    for each row when (new.name = 'fatal') execute function public.end_session();
"""


def test_enqueue_prints_the_id(run: Run, client: Client) -> None:
    result = run("enqueue", "email", "tasks.send", '{"user_id": 7}', "--delay", "1h", "--priority", "2")

    record = client.get(int(result.stdout))
    assert record is not None
    assert (record.queue, record.task, record.payload) == ("email", "tasks.send", {"user_id": 7})
    assert (record.state, record.priority) == ("scheduled", 2)


def test_enqueue_without_arguments_sends_none(run: Run, client: Client) -> None:
    record = client.get(int(run("enqueue", "email", "tasks.send").stdout))

    assert record is not None
    assert record.payload == {}


@pytest.mark.parametrize("payload", ["{", "[1]", "7", '{"a": NaN}'])
def test_a_payload_that_is_no_object_is_misuse(run: Run, payload: str) -> None:
    result = run("enqueue", "email", "tasks.send", payload)

    assert result.exit_code == 2
    assert result.stderr.startswith("pgqueue: the payload is not ")


def test_a_job_out_of_bounds_is_refused(run: Run) -> None:
    result = run("enqueue", "email", "tasks.send", "{}", "--priority", "10")

    assert result.exit_code == 1
    assert result.stderr.startswith("pgqueue: priority 10 is not ")
    assert result.stderr.count("\n") == 1


def test_one_job_as_json_has_its_id_as_text(run: Run, client: Client) -> None:
    told = json.loads(run("enqueue", "email", "tasks.send", "--json").stdout)

    assert client.get(int(told["id"])) is not None


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ((), "Give QUEUE and TASK, or --file FILE"),
        (("email",), "Give QUEUE and TASK, or --file FILE"),
        (("email", "tasks.send", "--file", "-"), "leave out what is for a single job"),
        (("--priority", "1", "--file", "-"), "leave out what is for a single job"),
        (("email", "tasks.send", "--strict"), "--strict is for --file"),
        (("--file", "nowhere.jsonl"), "nowhere.jsonl cannot be read"),
    ],
)
def test_one_job_and_a_file_are_told_apart(run: Run, arguments: tuple[str, ...], advice: str) -> None:
    result = run("enqueue", *arguments)

    assert result.exit_code == 2
    assert advice in result.stderr


def waiting(connection: psycopg.Connection) -> int:
    return sum(1 for _ in connection.execute("select from pgqueue.waiting"))


def test_bad_lines_are_told_by_number_and_the_others_are_in(
    run: Run, connection: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enqueue_lines, "CHUNK_JOBS", 3)
    file = tmp_path / "jobs.jsonl"
    file.write_text(f'{GOOD}\nnonsense\n{GOOD}\n\n{GOOD}\n{GOOD}\n{{"queue": "email"}}\n{GOOD}')

    result = run("enqueue", "--file", file)

    assert result.exit_code == 1
    assert result.stdout == "5 jobs enqueued, 2 bad lines\n"
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["line 2", "line 7"]
    assert waiting(connection) == 5


def test_a_clean_file_from_stdin(run: Run, connection: psycopg.Connection) -> None:
    result = run("enqueue", "--file", "-", "--json", answer=f"{GOOD}\n" * 10)

    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"enqueued": 10, "bad": 0, "bad_lines": [], "stopped": None}
    assert waiting(connection) == 10


def test_strict_enqueues_all_or_none(run: Run, connection: psycopg.Connection) -> None:
    refused = run("enqueue", "--file", "-", "--strict", "--json", answer=f"{GOOD}\nnonsense\n{GOOD}\n7\n")
    after_refusal = waiting(connection)
    taken = run("enqueue", "--file", "-", "--strict", "--json", answer=f"{GOOD}\n" * 3)

    told = json.loads(refused.stdout)
    assert (refused.exit_code, after_refusal) == (1, 0)
    assert (told["enqueued"], [entry["line"] for entry in told["bad_lines"]]) == (0, [2, 4])
    assert (taken.exit_code, json.loads(taken.stdout)["enqueued"], waiting(connection)) == (0, 3, 3)


@pytest.mark.parametrize("strict", [False, True])
def test_what_only_the_server_refuses_is_found_among_its_neighbours(
    run: Run, connection: psycopg.Connection, client: Client, strict: bool
) -> None:
    client.change_settings(payload_limit_bytes=200)
    large = json.dumps({"task": "tasks.send", "payload": {"text": "a" * 300}})
    lines = [GOOD] * 20
    lines[4] = lines[11] = large

    result = run("enqueue", "--file", "-", *(["--strict"] if strict else []), answer="\n".join(lines))

    assert result.exit_code == 1
    told = [line.split(":")[0] for line in result.stderr.splitlines()]
    assert told == (["line 5"] if strict else ["line 5", "line 12"])  # once one is bad, strict sends no more
    assert "the limit is 200" in result.stderr
    assert waiting(connection) == (0 if strict else 18)


def test_bad_lines_beyond_a_thousand_are_counted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enqueue_lines, "MOST_TOLD", 2)
    monkeypatch.setattr("pgqueue.cli.enqueue_file.MOST_TOLD", 2)

    result = run("enqueue", "--file", "-", answer="7\n" * 5)

    assert result.stdout == "0 jobs enqueued, 5 bad lines\n"
    assert result.stderr.splitlines()[2:] == ["and 3 more bad lines"]


@pytest.mark.parametrize(
    ("strict", "fate"),
    [(False, "the jobs of lines 1 to 4 are in, but for the bad ones"), (True, "no job of the file is in")],
)
def test_an_interrupted_file_tells_what_is_in(
    run: Run, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, strict: bool, fate: str
) -> None:
    def interrupted(stream: BinaryIO) -> Iterator[Line]:
        yield from job_lines.lines_of(stream)
        raise KeyboardInterrupt

    monkeypatch.setattr(enqueue_lines, "CHUNK_JOBS", 2)
    monkeypatch.setattr("pgqueue.cli.enqueue_file.lines_of", interrupted)

    result = run("enqueue", "--file", "-", *(["--strict"] if strict else []), answer=f"{GOOD}\n" * 5)

    assert result.exit_code == 130
    assert result.stderr == f"pgqueue: interrupted; {fate}\n"
    assert waiting(connection) == (0 if strict else 4)


def test_a_server_lost_on_the_way_has_what_was_committed(
    run: Run, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(stream: BinaryIO) -> Iterator[Line]:
        for line in job_lines.lines_of(stream):
            if line.number == 5:
                connection.execute(
                    "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()"
                    " and backend_type = 'client backend'"
                )
            yield line

    monkeypatch.setattr(enqueue_lines, "CHUNK_JOBS", 2)
    monkeypatch.setattr("pgqueue.cli.enqueue_file.lines_of", cut)

    result = run("enqueue", "--file", "-", answer=f"{GOOD}\n" * 8)

    assert result.exit_code == 1
    assert result.stderr.endswith("the jobs of lines 1 to 4 are in, but for the bad ones\n")
    assert waiting(connection) == 4


@pytest.mark.parametrize(("strict", "doubt"), [(False, "lines 3 to 4"), (True, "lines 1 to 8")])
def test_what_a_server_lost_while_it_was_committed_nobody_knows(
    run: Run, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, strict: bool, doubt: str
) -> None:
    connection.execute(LOST_AT_COMMIT)
    monkeypatch.setattr(enqueue_lines, "CHUNK_JOBS", 2)
    lines = [GOOD] * 8
    lines[2] = GOOD.replace("email", "fatal")

    result = run("enqueue", "--file", "-", *(["--strict"] if strict else []), answer="\n".join(lines))

    assert result.exit_code == 1
    assert ("the jobs of lines 1 to 2 are in" in result.stderr) is not strict
    assert f"of {doubt} nobody knows: look before you send them again" in result.stderr


def test_an_interruption_among_halves_counts_those_that_are_in(
    run: Run, client: Client, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> str:
        raise KeyboardInterrupt

    client.change_settings(payload_limit_bytes=200)
    monkeypatch.setattr(enqueue_lines, "message_of", interrupt)
    lines = [GOOD] * 8
    lines[5] = json.dumps({"task": "tasks.send", "payload": {"text": "a" * 300}})

    result = run("enqueue", "--file", "-", answer="\n".join(lines))

    assert result.stderr == ("pgqueue: interrupted; the jobs of lines 1 to 5 are in, but for the bad ones\n")
    assert waiting(connection) == 5
