"""Tests that a socket speaks for its own page alone."""

from types import SimpleNamespace
from typing import Any

import pytest
from nicegui import core

from pgqueue.dashboard.sockets import own_page_alone


@pytest.mark.parametrize(("page", "is_heard"), [("mine", True), ("another's", False)])
def test_a_socket_is_not_heard_for_another_page(
    monkeypatch: pytest.MonkeyPatch, page: str, *, is_heard: bool
) -> None:
    heard: list[dict[str, Any]] = []
    monkeypatch.setattr(core, "sio", SimpleNamespace(rooms=lambda _: ["socket", "mine"]))

    own_page_alone(lambda _, message: heard.append(message))("socket", {"client_id": page})

    assert bool(heard) == is_heard
