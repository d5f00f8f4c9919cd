"""Tests of the two clients side by side: one surface, blocking and async, and every option of a job on it."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from pgqueue import AsyncClient, Client, Job

ASYNC_NAMES = {"__enter__": "__aenter__", "__exit__": "__aexit__"}


def surface(kind: type) -> dict[str, Callable[..., Any]]:
    """What a user may call, under its blocking name."""
    blocking_names = {awaited: plain for plain, awaited in ASYNC_NAMES.items()}
    return {
        blocking_names.get(name, name): value
        for name, value in inspect.getmembers(kind, callable)
        if not name.startswith("_") or name in {*ASYNC_NAMES, *blocking_names, "__init__"}
    }


BLOCKING, ASYNCHRONOUS = surface(Client), surface(AsyncClient)


def test_both_clients_have_the_same_methods() -> None:
    assert sorted(BLOCKING) == sorted(ASYNCHRONOUS)


@pytest.mark.parametrize("name", sorted(BLOCKING))
def test_both_take_and_give_the_same(name: str) -> None:
    blocking, asynchronous = inspect.signature(BLOCKING[name]), inspect.signature(ASYNCHRONOUS[name])

    assert blocking.parameters == asynchronous.parameters
    assert blocking.return_annotation == asynchronous.return_annotation


@pytest.mark.parametrize("name", sorted(set(BLOCKING) - {"__init__"}))
def test_one_blocks_and_the_other_is_awaited(name: str) -> None:
    assert not inspect.iscoroutinefunction(BLOCKING[name])
    assert inspect.iscoroutinefunction(ASYNCHRONOUS[name])


@pytest.mark.parametrize("name", sorted(set(BLOCKING) - {"__init__"}))
def test_options_are_named(name: str) -> None:
    parameters = inspect.signature(BLOCKING[name]).parameters.values()

    assert all(
        parameter.kind is parameter.KEYWORD_ONLY
        for parameter in parameters
        if parameter.default is not parameter.empty
    )
    assert not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)


def test_enqueue_and_options_take_every_option_of_a_job() -> None:
    options = set(Job._fields) - {"task", "payload"}

    assert set(inspect.signature(Job.options).parameters) - {"self"} == options
    assert set(inspect.signature(Client.enqueue).parameters) - {"self", "job", "connection"} == options


@pytest.mark.parametrize("name", sorted(set(BLOCKING) - {"__init__", "__enter__", "__exit__"}))
def test_each_method_says_what_it_does(name: str) -> None:
    assert BLOCKING[name].__doc__
    assert ASYNCHRONOUS[name].__doc__
