import json
import zlib

import pytest

from benchmarks.payload import body_of
from benchmarks.scenarios import payload
from benchmarks.systems.pgqueue import PgQueue
from tests.benchmarks.conftest import OURS, STREAMS, TINY, Silence


def test_a_body_has_its_size_is_the_same_in_every_run_and_does_not_compress() -> None:
    body = body_of(10_000)

    assert len(body.encode()) == 10_000
    assert json.dumps(body) == f'"{body}"'
    assert body_of(10_000) == body
    assert len(zlib.compress(body.encode())) > 7_000  # 6 bits a character: no less than three quarters


def test_every_size_goes_through_both_systems() -> None:
    silence = Silence()

    rows = payload.run([OURS, STREAMS], TINY, silence)

    assert silence.turns == 0
    found = {(row.system, row.settings["body_bytes"], row.batch) for row in rows}
    assert len(found) == 2 * 4 * 2
    rates = {
        row.metric: row.value for row in rows if row.settings["body_bytes"] == 100_000 and row.batch == 100
    }
    assert rates["megabytes_per_second"] == pytest.approx(rates["jobs_per_second"] / 10)


def test_the_body_is_what_is_enqueued(dsn: str) -> None:
    system = PgQueue(dsn, "fsync")
    system.carry(body_of(1_000))

    system.enqueue(1)
    system.enqueue(2)

    claimed = [json.loads(delivery.payload) for delivery in system.claim(3)]
    system.close()
    assert claimed == [{"text": body_of(1_000)}] * 3
