"""Serves a collector's metrics over HTTP, from a thread: it must never reach the database by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.registry import Collector

LOOPBACK = "127.0.0.1"


@contextmanager
def serving(collector: Collector, *, port: int, host: str = LOOPBACK) -> Iterator[int]:
    """Serve the metrics inside the block; gives the port. Raises OSError where it cannot be had.

    port: 0 for any that is free.
    """
    registry = CollectorRegistry()
    registry.register(collector)
    server, thread = start_http_server(port, host, registry)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
