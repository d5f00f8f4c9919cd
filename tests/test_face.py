"""Tests of the public face: what `__all__` promises is there, and nothing else is."""

import importlib
import types

import pytest

FACES = ("pgqueue", "pgqueue.testing", "pgqueue.http")


def face(name: str) -> types.ModuleType:
    """A module of the face; only those that exist yet."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        pytest.skip(f"{name} does not exist yet")


@pytest.mark.parametrize("name", FACES)
def test_all_is_sorted_and_without_doubles(name: str) -> None:
    names = list(face(name).__all__)

    assert names == sorted(set(names))


@pytest.mark.parametrize("name", FACES)
def test_all_is_what_can_be_imported(name: str) -> None:
    module = face(name)
    public = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_") and not isinstance(value, types.ModuleType)
    }

    assert public == {key for key in module.__all__ if not key.startswith("_")}
    assert all(hasattr(module, key) for key in module.__all__)


@pytest.mark.parametrize("name", FACES)
def test_every_public_name_says_what_it_is(name: str) -> None:
    module = face(name)
    silent = [
        key
        for key in module.__all__
        if isinstance(getattr(module, key), type | types.FunctionType) and not getattr(module, key).__doc__
    ]

    assert silent == []
