"""Tests of what the command line says of itself."""

import pytest

from pgqueue.version import head
from tests.cli.conftest import Run

COMMANDS = [
    ("migrate",),
    ("status",),
    ("downgrade",),
    ("settings",),
    ("maintain",),
    ("doctor",),
    ("worker",),
    ("exporter",),
    ("serve",),
    ("token",),
    ("dev",),
    ("demo",),
    ("enqueue",),
    ("jobs", "list"),
    ("jobs", "show"),
    ("jobs", "cancel"),
    ("jobs", "run-now"),
    ("jobs", "reprioritise"),
    ("dead", "list"),
    ("dead", "show"),
    ("dead", "retry"),
    ("dead", "purge"),
    ("queues",),
    ("queues", "pause"),
    ("queues", "resume"),
    ("workers",),
    ("workers", "pause"),
    ("workers", "resume"),
    ("stats",),
]


def test_the_help_names_every_command(bare_run: Run) -> None:
    result = bare_run("--help")

    assert result.exit_code == 0
    assert {command[0] for command in COMMANDS} <= set(result.output.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(bare_run: Run, command: tuple[str, ...]) -> None:
    result = bare_run(*command, "--help")

    assert result.exit_code == 0
    assert "Usage:" in result.output
    assert "--supervised" not in result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_no_help_shows_a_dsn(
    bare_run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PGQUEUE_DSN", "postgresql://me:sesame@localhost/shop")
    monkeypatch.setenv("PGQUEUE_WATCH_DSN", "postgresql://me:sesame@localhost/shop")

    assert "sesame" not in bare_run(*command, "--help").output


def test_the_version_comes_with_the_schemas(bare_run: Run) -> None:
    result = bare_run("--version")

    assert result.exit_code == 0
    assert result.stdout.startswith("pgqueue ")
    assert f"(schema {head()})" in result.stdout


NOT_FOR_PROGRAMS = {("worker",), ("dev",), ("exporter",), ("serve",)}  # they run until told to stop


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in NOT_FOR_PROGRAMS])
def test_every_command_can_answer_in_json(bare_run: Run, command: tuple[str, ...]) -> None:
    assert "--json" in bare_run(*command, "--help").output
