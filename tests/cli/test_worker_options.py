"""Tests of what is made of the worker's options."""

from datetime import timedelta

import pytest

from pgqueue import WorkerSettings, task
from pgqueue.cli.failures import CommandMisused
from pgqueue.cli.worker_options import LogLevel, child_arguments, default, queues_of, settings_of
from pgqueue.durations import duration


@task(queue="email")
def send() -> None: ...


@task(queue="bulk")
def sweep() -> None: ...


def test_without_queues_those_of_the_tasks_are_worked() -> None:
    assert queues_of([], [send, sweep, send], strict=False) == ["bulk", "email"]


def test_queues_keep_their_order() -> None:
    assert queues_of(["email", "bulk"], [], strict=True) == ["email", "bulk"]


def test_one_weight_makes_all_weighted() -> None:
    assert queues_of(["email=3", "bulk"], [], strict=False) == {"email": 3, "bulk": 1}


@pytest.mark.parametrize("text", ["email=", "email=0", "email=-1", "email=much", "=3"])
def test_a_bad_weight_is_misuse(text: str) -> None:
    with pytest.raises(CommandMisused, match="NAME=WEIGHT"):
        queues_of([text], [], strict=False)


def test_a_strict_order_has_no_weights() -> None:
    with pytest.raises(CommandMisused, match="leave the weights out"):
        queues_of(["email=3", "bulk"], [], strict=True)


def test_a_queue_named_twice_is_misuse() -> None:
    with pytest.raises(CommandMisused, match="named twice"):
        queues_of(["email=3", "email"], [], strict=False)


def test_settings_not_given_keep_their_default() -> None:
    assert settings_of() == WorkerSettings()
    assert settings_of(concurrency=3).concurrency == 3


def test_settings_out_of_bounds_are_misuse() -> None:
    with pytest.raises(CommandMisused, match=r"--lease: .*greater than or equal to 1 second"):
        settings_of(lease=timedelta(milliseconds=10))


def test_the_help_shows_the_settings_defaults() -> None:
    assert duration(default("lease")) == WorkerSettings().lease
    assert default("concurrency") == str(WorkerSettings().concurrency)


def test_a_childs_arguments_say_what_the_parents_did() -> None:
    settings = WorkerSettings(concurrency=3, lease=timedelta(seconds=90), grace=timedelta(seconds=0.5))

    arguments = child_arguments(
        ["chores"],
        ["email=3"],
        settings=settings,
        schema="orders",
        log_level=LogLevel.ERROR,
        flags={"--drain": True, "--strict": False},
    )

    given = dict(zip(arguments[1:-1:2], arguments[2:-1:2], strict=True))
    assert (arguments[0], arguments[-1]) == ("chores", "--drain")
    assert given["--queue"] == "email=3"
    assert given["--concurrency"] == "3"
    assert duration(given["--lease"]) == settings.lease
    assert duration(given["--grace"]) == settings.grace
    assert (given["--schema"], given["--log-level"]) == ("orders", "error")
