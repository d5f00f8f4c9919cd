"""Which failures are told in one line; what is not among them is our mistake, and keeps its trace."""

import psycopg
import redis

from benchmarks.failures import BenchmarkFailed
from pgqueue.errors import PgQueueError

FAILURES = (BenchmarkFailed, PgQueueError, psycopg.Error, redis.RedisError, OSError)
"""What a scenario may fail with."""
