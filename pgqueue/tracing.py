"""Spans for OpenTelemetry: what a job does belongs to the trace it was enqueued in.

It must never change what happens to a job, nor be needed where nobody traces.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from pgqueue.delivery import Delivery, Lease
from pgqueue.errors import MissingExtra
from pgqueue.job import Job

SCOPE = "pgqueue"
SYSTEM: dict[str, Any] = {"messaging.system": "pgqueue"}
Carry = Callable[[Job], Job]
"""Gives a job the headers by which its run finds the trace."""


class Tracing:
    """Makes spans for whoever is given it: `Client(tracing=...)`, `Worker(tracing=...)`.

    provider: where the spans go, an OpenTelemetry TracerProvider; the global one unless given.

    Enqueueing makes a span of kind PRODUCER and writes the trace's context into the jobs' headers
    (`traceparent`); a claim that got jobs is one of kind CLIENT; each run is one of kind CONSUMER,
    a child of the enqueue, and what the handler traces is below it. Attributes follow OpenTelemetry's
    conventions for messaging. Arguments and results are in none; a failed run has its error as an event.
    Raises MissingExtra without `opentelemetry-api`.
    """

    def __init__(self, provider: Any = None) -> None:
        try:
            from opentelemetry import propagate, trace  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise MissingExtra("tracing needs OpenTelemetry: pip install 'pgqueue-py[otel]'") from error
        self._kinds = trace.SpanKind
        self._failed = trace.StatusCode.ERROR
        self._inject = propagate.inject
        self._extract = propagate.extract
        self._tracer = trace.get_tracer(SCOPE, tracer_provider=provider)

    @contextmanager
    def sending(self, queue: str | None = None) -> Iterator[Carry]:
        """The span of an enqueue; many jobs share one. queue: where they go, if it is one."""
        attributes = SYSTEM | {"messaging.operation.name": "enqueue", "messaging.operation.type": "send"}
        if queue is not None:
            attributes["messaging.destination.name"] = queue
        name = f"enqueue {queue}" if queue else "enqueue"
        with self._tracer.start_as_current_span(name, kind=self._kinds.PRODUCER, attributes=attributes):
            carried: dict[str, str] = {}
            self._inject(carried)
            yield lambda job: job._replace(headers={**(job.headers or {}), **carried})

    def claimed(self, lease: Lease, *, took_seconds: float) -> None:
        """A claim got these jobs just now, and took so long."""
        now = time.time_ns()
        attributes = SYSTEM | {
            "messaging.operation.name": "claim",
            "messaging.operation.type": "receive",
            "messaging.batch.message_count": len(lease),
        }
        span = self._tracer.start_span(
            "claim", kind=self._kinds.CLIENT, attributes=attributes, start_time=now - int(took_seconds * 1e9)
        )
        span.end(now)

    @contextmanager
    def running(self, delivery: Delivery) -> Iterator["Run"]:
        """The span of one attempt, current for what its handler does."""
        attributes = SYSTEM | {
            "messaging.operation.name": "run",
            "messaging.operation.type": "process",
            "messaging.destination.name": delivery.queue,
            "messaging.message.id": str(delivery.id),
            "pgqueue.task": delivery.task,
            "pgqueue.attempt": delivery.attempt,
        }
        with self._tracer.start_as_current_span(
            f"run {delivery.task}",
            context=self._extract(headers_of(delivery)),
            kind=self._kinds.CONSUMER,
            attributes=attributes,
        ) as span:
            yield Run(span, self._failed)


class Run:
    """The span of an attempt under way."""

    def __init__(self, span: Any, failed: Any) -> None:
        self._span = span
        self._failed = failed

    def ended(self, state: str, error: dict[str, Any] | None) -> None:
        """How the attempt ended, and the error that is kept of it."""
        self._span.set_attribute("pgqueue.state", state)
        if error is None or state not in {"failed", "dead"}:
            return
        self._span.set_status(self._failed, error["type"])
        event = {"exception.type": error["type"], "exception.message": error["message"]}
        if error["traceback"]:
            event["exception.stacktrace"] = error["traceback"]
        self._span.add_event("exception", event)


def headers_of(delivery: Delivery) -> dict[str, str]:
    """The job's headers, as far as they are text."""
    try:
        found = json.loads(delivery.headers) if delivery.headers else {}
    except (ValueError, RecursionError):  # of another language's making
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def sending(tracing: Tracing | None, queue: str | None = None) -> AbstractContextManager[Carry | None]:
    """The span of an enqueue, where somebody traces."""
    return tracing.sending(queue) if tracing is not None else nullcontext()
