from pathlib import Path

from benchmarks.stream_consumer import patient_connection


def test_a_consumer_waits_longer_than_it_blocks() -> None:
    connection = patient_connection(Path("nowhere"))

    assert connection.connection_pool.connection_kwargs["socket_timeout"] is None
