"""Tests of payloads through the database: they come back as they went, and both limits speak clearly."""

import json
from typing import Any

import psycopg
import pytest

from pgqueue import Client, Job, PayloadTooLarge, task
from tests.arguments import ROUND_TRIPS, carrying

MIB = 1024 * 1024


@task
def hold(value: Any) -> None: ...


def test_every_value_comes_back_from_the_database_as_it_went(dsn: str) -> None:
    carried = [carrying(annotation) for annotation, _ in ROUND_TRIPS]
    with Client(dsn) as client:
        ids = client.enqueue_many(
            one.job(value=value) for one, (_, value) in zip(carried, ROUND_TRIPS, strict=True)
        )
        payloads = {delivery.id: delivery.payload for delivery in client.claim("default", limit=len(ids))}

    for job_id, one, (_, value) in zip(ids, carried, ROUND_TRIPS, strict=True):
        back = one.decode(payloads[job_id])["value"]
        assert (back, type(back)) == (value, type(value))


def test_no_result_that_is_accepted_is_refused_by_the_database(dsn: str) -> None:
    results = ["text", "\\u0000", None, 0, 10**100, 0.1, {"a": [1.5, "💾", None]}, "NaN", ""]
    with Client(dsn) as client:
        ids = client.enqueue_many(hold.job(value=1).options(keep_result=True) for _ in results)
        held = {delivery.id: delivery for delivery in client.claim("default", limit=len(ids))}
        for job_id, result in zip(ids, results, strict=True):
            client.finish(held[job_id], result=result)
        kept = [client.get(job_id) for job_id in ids]

    assert [record.result for record in kept if record is not None] == results


def test_a_payload_at_the_limit_is_accepted_and_one_byte_more_is_not(dsn: str) -> None:
    limit_bytes = 10_000
    frame = len(json.dumps({"value": ""}, separators=(",", ":")))
    with Client(dsn, payload_limit_bytes=limit_bytes) as client:
        client.enqueue(hold.job(value="x" * (limit_bytes - frame)))

        with pytest.raises(PayloadTooLarge, match="10001 bytes of JSON text, the limit is 10000"):
            client.enqueue(hold.job(value="x" * (limit_bytes - frame + 1)))


def test_what_jsonb_makes_larger_the_server_refuses(dsn: str) -> None:
    """A small number takes two bytes in text and a dozen in jsonb."""
    job = hold.job(value=[1] * 200_000)
    with Client(dsn) as client:
        with pytest.raises(
            PayloadTooLarge, match=r"the limit is 1048576 \(as jsonb, .*Store the data elsewhere"
        ):
            client.enqueue(job)
        with pytest.raises(PayloadTooLarge, match=r"pgqueue settings --payload-limit"):
            client.enqueue_many([job])
        nothing = client.claim("default")

    assert len(job.payload) < MIB
    assert len(nothing) == 0


def test_what_jsonb_makes_smaller_is_counted_as_text_here(dsn: str) -> None:
    """Blanks and escapes vanish in jsonb; the client counts what it would send."""
    spaced = Job(task="t", payload='{"a":' + " " * MIB + "1}")
    with Client(dsn) as client, pytest.raises(PayloadTooLarge, match="bytes of JSON text"):
        client.enqueue(spaced)
    with Client(dsn, payload_limit_bytes=2 * MIB) as client:
        assert client.enqueue(spaced) > 0


def test_both_limits_can_be_raised(dsn: str) -> None:
    job = hold.job(value="x" * 2 * MIB)
    with psycopg.connect(dsn) as connection:
        connection.execute("update pgqueue.installation set payload_limit_bytes = 4 * 1024 * 1024")

    with Client(dsn, payload_limit_bytes=4 * MIB) as client:
        client.enqueue(job)
        (delivery,) = client.claim("default")

    assert hold.decode(delivery.payload) == {"value": "x" * 2 * MIB}
