"""Serving metrics from a command."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from prometheus_client.registry import Collector

from pgqueue.cli.failures import CommandFailed
from pgqueue.metrics.serving import serving


@contextmanager
def served(collector: Collector | None, *, port: int | None, host: str) -> Iterator[int | None]:
    """Serve the metrics inside the block, if a port is given. Raises CommandFailed where it cannot be had."""
    with ExitStack() as stack:
        if collector is None or port is None:
            yield None
            return
        try:
            bound = stack.enter_context(serving(collector, port=port, host=host))
        except OSError as error:
            raise CommandFailed(f"cannot serve metrics on {host} port {port}: {error.strerror}") from error
        yield bound
