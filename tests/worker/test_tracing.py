"""Tests that a job's run belongs to the trace it was enqueued in, and that spans tell no arguments."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pgqueue import AsyncClient, Client, Delivery, JobRecord, Keyring, Snooze, Tracing, task
from pgqueue.tracing import headers_of
from tests.waiting import until
from tests.worker.conftest import RunWorker

Ended = Callable[[int], Awaitable[JobRecord]]
SECRET = "4242"


class Spans:
    """What was traced."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracing = Tracing(self.provider)

    def all(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.all() if span.name == name]


@pytest.fixture
def spans() -> Spans:
    return Spans()


@task(name="plain", queue="email")
async def plain(text: str) -> None:
    """A handler that traces, too."""
    assert trace.get_current_span().get_span_context().is_valid


async def test_a_run_is_a_child_of_its_enqueue(
    spans: Spans, dsn: str, run_worker: RunWorker, ended: Ended
) -> None:
    async with AsyncClient(dsn, tracing=spans.tracing) as client:
        with spans.provider.get_tracer("application").start_as_current_span("order"):
            job = await client.enqueue(plain.job(text=SECRET), headers={"mine": "kept"})
    run_worker(plain, queues=["email"], tracing=spans.tracing)
    record = await ended(job)

    await until(lambda: spans.named("run plain"))
    (order,), (sent,), (run,) = spans.named("order"), spans.named("enqueue email"), spans.named("run plain")
    assert sent.parent == order.context
    assert run.context.trace_id == order.context.trace_id
    assert run.parent is not None
    assert run.parent.span_id == sent.context.span_id
    assert (sent.kind, run.kind) == (trace.SpanKind.PRODUCER, trace.SpanKind.CONSUMER)
    assert run.attributes is not None
    assert run.attributes["messaging.message.id"] == str(job)
    assert (run.attributes["pgqueue.attempt"], run.attributes["pgqueue.state"]) == (1, "succeeded")
    assert record.headers is not None
    assert record.headers["mine"] == "kept"
    assert SECRET not in str([span.to_json() for span in spans.all()])


@pytest.mark.parametrize("odd", ["9" * 5_000, "[" * 100_000 + "]" * 100_000], ids=["long", "deep"])
def test_headers_that_python_cannot_read_lead_to_no_trace(odd: str) -> None:
    headers = f'{{"odd": {odd}}}'
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    delivery = Delivery(1, 2, 1, 5, "email", "plain", "{}", headers, 5, moment, None, keep_result=False)

    assert headers_of(delivery) == {}


async def test_a_claim_that_got_jobs_has_a_span(
    spans: Spans, client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    run_worker(plain, queues=["email"], tracing=spans.tracing)
    await ended(await client.enqueue(plain.job(text="x")))

    counts = [
        span.attributes["messaging.batch.message_count"] for span in spans.named("claim") if span.attributes
    ]
    assert counts == [1]


def test_many_jobs_share_the_span_of_their_enqueue(spans: Spans, dsn: str) -> None:
    with Client(dsn, tracing=spans.tracing) as client:
        ids = client.enqueue_many(plain.job(text="x") for _ in range(600))
        parents = {str(client.get(job).headers) for job in (ids[0], ids[-1])}  # type: ignore[union-attr]

    (sent,) = spans.named("enqueue")
    assert len(parents) == 1
    assert f"{sent.context.span_id:016x}" in parents.pop()


async def test_a_failed_run_is_an_error_with_its_exception(
    spans: Spans, client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    @task(max_attempts=1)
    async def fails() -> None:
        raise ValueError("the reason")

    run_worker(fails, tracing=spans.tracing)
    await ended(await client.enqueue(fails.job()))

    (run,) = spans.named(f"run {fails.name}")
    assert run.status.status_code == trace.StatusCode.ERROR
    (event,) = run.events
    assert event.attributes is not None
    assert (event.attributes["exception.type"], event.attributes["exception.message"]) == (
        "ValueError",
        "the reason",
    )
    assert "raise ValueError" in str(event.attributes["exception.stacktrace"])


async def test_an_answer_that_is_no_failure_is_no_error(
    spans: Spans, client: AsyncClient, run_worker: RunWorker
) -> None:
    @task()
    async def sleeps() -> Snooze:
        return Snooze(timedelta(hours=1))

    run_worker(sleeps, tracing=spans.tracing)
    await client.enqueue(sleeps.job())

    (run,) = await until(lambda: spans.named(f"run {sleeps.name}"))
    assert run.status.status_code == trace.StatusCode.UNSET
    assert run.attributes is not None
    assert run.attributes["pgqueue.state"] == "returned"


async def test_a_sealed_tasks_error_is_sealed_in_its_span_too(
    spans: Spans, client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    @task(max_attempts=1, keyring=Keyring({"one": secrets.token_bytes(32)}))
    async def declines(card: str) -> None:
        raise ValueError(f"no money on {card}")

    run_worker(declines, tracing=spans.tracing)
    await ended(await client.enqueue(declines.job(card=SECRET)))

    (run,) = spans.named(f"run {declines.name}")
    assert SECRET not in run.to_json()


async def test_a_blocking_handler_traces_below_its_run(
    spans: Spans, client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    @task()
    def blocks() -> None:
        with spans.provider.get_tracer("application").start_as_current_span("inside"):
            pass

    run_worker(blocks, tracing=spans.tracing)
    await ended(await client.enqueue(blocks.job()))
    await until(lambda: spans.named(f"run {blocks.name}"))

    (run,), (inside,) = spans.named(f"run {blocks.name}"), spans.named("inside")
    assert inside.parent == run.context


async def test_runs_at_the_same_time_do_not_mix_their_spans(
    spans: Spans, client: AsyncClient, run_worker: RunWorker, ended: Ended
) -> None:
    both = asyncio.Barrier(2)

    @task()
    async def meets() -> None:
        await both.wait()
        with spans.provider.get_tracer("application").start_as_current_span("inside"):
            await both.wait()

    run_worker(meets, tracing=spans.tracing)
    for job in await client.enqueue_many([meets.job(), meets.job()]):
        await ended(job)
    await until(lambda: len(spans.named(f"run {meets.name}")) == 2)

    parents = {span.parent.span_id for span in spans.named("inside") if span.parent}
    assert parents == {span.context.span_id for span in spans.named(f"run {meets.name}")}
