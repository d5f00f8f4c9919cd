"""Why a benchmark cannot go on; it must never be swallowed, for a figure from half a run is a lie."""

import psycopg
import redis

from pgqueue.errors import PgQueueError


class BenchmarkFailed(Exception):
    """The run stops here; the message says what to do."""


FAILURES = (BenchmarkFailed, PgQueueError, psycopg.Error, redis.RedisError, OSError)
"""What a scenario may fail with, told in one line; anything else is our mistake, told with its trace."""


def one_line(error: BaseException) -> str:
    """What went wrong, for a human: the first line of it."""
    told = str(error).strip().splitlines()
    return told[0] if told else type(error).__name__
