"""Requests made up from the OpenAPI document, right and wrong ones: none may break the server or its word."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import negative_data_rejection
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok

from pgqueue.http import create_app, new_token
from pgqueue.http.serving import Server, address_of, listening

EXAMPLES = 10  # for each operation and mode; the same at each run
QUICK = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


# That jsonb holds no NUL cannot be said in a schema.
CONFIG = SchemathesisConfig.from_dict({"generation": {"allow-x00": False}})
ENDLESS = "/v1/events"
TEXT, TOKEN = new_token("fuzz", ["admin"])
BEARING = {"Authorization": f"Bearer {TEXT}"}


@pytest.fixture
def address(dsn: str) -> Iterator[str]:
    """Where the app is served, by a thread."""
    listener = listening("127.0.0.1", 0)
    server = Server(create_app(dsn, tokens=[TOKEN]), grace=timedelta(seconds=5))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
    thread.start()
    yield address_of(listener)
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_request_breaks_the_servers_word(address: str, mode: GenerationMode) -> None:
    described = httpx.get(f"{address}/openapi.json").json()
    schema = schemathesis.openapi.from_dict(described, config=CONFIG)
    found = schema.exclude(path=ENDLESS).get_all_operations()
    operations = [one.ok() for one in found if isinstance(one, Ok)]

    for operation in operations:
        if mode is GenerationMode.POSITIVE or takes_something(operation):
            fuzz(operation, mode, address)

    paths = {path: methods for path, methods in described["paths"].items() if path != ENDLESS}
    assert len(operations) == sum(len(methods) for methods in paths.values())


def takes_something(operation: APIOperation) -> bool:
    """Whether there is anything that could be wrong."""
    return bool(operation.body) or any(operation.iter_parameters())


def fuzz(operation: APIOperation, mode: GenerationMode, address: str) -> None:
    @QUICK
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        if mode is GenerationMode.POSITIVE:
            case.query.pop("cursor", None)  # none can be made up
        # In a query everything is text: what was made wrong may be right once it is written there.
        unsound = [negative_data_rejection] if operation.method.upper() == "GET" else []
        case.call_and_validate(base_url=address, headers=BEARING, excluded_checks=unsound)

    ask()
