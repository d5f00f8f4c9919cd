"""Tests of `serve` as a process of its own, of what it refuses before it starts, and of `token`."""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from pgqueue.http import new_token, read_tokens
from tests.cli.conftest import Run, started

SECONDS = 30.0


@contextmanager
def serving(
    folder: Path, dsn: str, *options: str, environment: dict[str, str] | None = None
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The command as a process, and where it serves."""
    arguments = ("serve", "--port", "0", "--log-level", "debug", *options)
    with started(*arguments, folder=folder, dsn=dsn, environment=environment) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("API: http://"), process.communicate()
        yield process, said.removeprefix("API: ").removesuffix("/openapi.json\n")


def test_it_serves_this_machine_and_ends_well(tmp_path: Path, dsn: str) -> None:
    with serving(tmp_path, dsn) as (process, address):
        made = httpx.post(f"{address}/v1/jobs", json={"task": "t"}, timeout=SECONDS)
        forwarded = httpx.get(f"{address}/v1/queues", headers={"X-Forwarded-For": "127.0.0.1"})
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=SECONDS)

    assert (process.returncode, "Traceback" in said) == (0, False), said
    assert (made.status_code, forwarded.status_code) == (201, 401)
    assert made.headers["location"] == f"/v1/jobs/{made.json()['id']}"
    assert "server" not in made.headers


def test_tokens_come_from_a_file_and_a_variable_and_stay_secret(tmp_path: Path, dsn: str) -> None:
    (reader, kept), (writer, also_kept) = new_token("reader", ["read"]), new_token("writer", ["enqueue"])
    (tmp_path / "tokens").write_text(kept.line)

    with serving(
        tmp_path,
        f"{dsn}&password=sesame",
        "--tokens",
        "tokens",
        environment={"PGQUEUE_TOKENS": also_kept.line},
    ) as (process, address):
        codes = [
            httpx.get(f"{address}/v1/queues", headers=headers, timeout=SECONDS).status_code
            for headers in ({}, bearing(reader), bearing(writer), bearing("pgqueue_wrong"))
        ]
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=SECONDS)

    assert codes == [401, 200, 403, 401]
    assert process.returncode == 0
    for secret in (reader, writer, "pgqueue_wrong", "sesame", kept.digest):
        assert secret not in said


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_without_tokens_it_serves_no_other_machine(run: Run) -> None:
    result = run("serve", "--host", "0.0.0.0", "--port", "0")

    assert result.exit_code == 2
    assert "without tokens nobody could ask on 0.0.0.0: make some with `pgqueue token`" in result.stderr


def test_a_port_in_use_is_told(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        result = run("serve", "--port", port)

    assert result.exit_code == 1
    assert f"cannot serve on 127.0.0.1 port {port}" in result.stderr


def test_a_tokens_file_that_is_none_is_told_without_its_text(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("sesame")

    result = run("serve", "--tokens", tmp_path / "tokens")

    assert result.exit_code == 1
    assert "line 2 of the tokens is not NAME ROLES SHA256" in result.stderr
    assert "sesame" not in result.output


def test_a_tokens_file_without_tokens_is_no_open_door(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("# none yet")

    result = run("serve", "--tokens", tmp_path / "tokens")

    assert result.exit_code == 2
    assert "the tokens given are none at all" in result.stderr


def test_a_token_is_shown_once_and_its_line_can_be_read(bare_run: Run) -> None:
    text, line = bare_run("token", "ci", "read", "enqueue").stdout.splitlines()

    (token,) = read_tokens(line)
    assert (token.name, sorted(token.roles)) == ("ci", ["enqueue", "read"])
    assert text.startswith("pgqueue_")
    assert text not in line


def test_a_token_is_added_to_a_file(bare_run: Run, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("# ours")

    made = json.loads(bare_run("token", "ci", "read", "--file", file, "--json").stdout)
    again = bare_run("token", "ci", "read", "--file", file)
    bare_run("token", "me", "admin", "--file", file)

    assert again.exit_code == 1
    assert made["line"] in file.read_text().splitlines()
    assert [token.name for token in read_tokens(file.read_text())] == ["ci", "me"]


@pytest.mark.parametrize("name", ["two words", "a#b", ""])
def test_a_tokens_name_is_a_word(bare_run: Run, name: str) -> None:
    assert bare_run("token", name, "read").exit_code == 2
