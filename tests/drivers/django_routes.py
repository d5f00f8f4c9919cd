"""Django: its `connection`, with times aware and naive, parameters bound here and on the server."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import django
from django.conf import settings
from django.db import connection, connections, transaction
from django.test.utils import override_settings
from psycopg.conninfo import conninfo_to_dict

from tests.drivers.route import Handle, Route, made_async, nothing

if not settings.configured:
    settings.configure(DATABASES={}, INSTALLED_APPS=[], USE_TZ=True, TIME_ZONE="Europe/Lisbon")
    django.setup()


class Blocks:
    """What `with transaction.atomic()` does, step by step."""

    def __init__(self) -> None:
        self.block: Any = None

    def begin(self) -> None:
        self.block = transaction.atomic()
        self.block.__enter__()

    def commit(self) -> None:
        self.block.__exit__(None, None, None)

    def rollback(self) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)


@contextmanager
def savepoint() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def default_database(dsn: str, options: dict[str, Any]) -> Iterator[None]:
    """Django's default database, for a while. Tests are async, so Django must not mind a running loop."""
    parts = conninfo_to_dict(dsn)
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts["dbname"],
        "USER": parts["user"],
        "HOST": parts["host"],
        "OPTIONS": options,
    }
    before = connections.settings
    connections.settings = connections.configure_settings({"default": database})
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        yield
    finally:
        connections["default"].close()
        del connections["default"]
        connections.settings = before
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def route(name: str, *, options: dict[str, Any] | None = None, **changed: Any) -> Route:
    @asynccontextmanager
    async def opened(dsn: str) -> AsyncIterator[Handle]:
        with override_settings(**changed), default_database(dsn, options or {}):
            blocks = Blocks()
            yield Handle(connection, blocks.begin, blocks.commit, blocks.rollback, made_async(savepoint))

    @asynccontextmanager
    async def opened_autocommit(dsn: str) -> AsyncIterator[Handle]:
        with override_settings(**changed), default_database(dsn, options or {}):
            yield Handle(connections["default"], nothing, nothing, nothing, made_async(savepoint))

    return Route(name, is_async=False, opened=opened, opened_autocommit=opened_autocommit)


ROUTES = (
    route("django"),
    route("django-server-side", options={"server_side_binding": True}),
    route("django-naive", USE_TZ=False, TIME_ZONE="Pacific/Chatham"),
)
