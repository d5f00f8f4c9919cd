"""One exporter for a whole installation: it samples now and then, over one connection; a scrape asks nothing.

It must never end because the database cannot be reached: it says so, and tries on.
"""

import asyncio
import logging
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
from prometheus_client.metrics_core import Metric as Family

from pgqueue.calls.call import Call
from pgqueue.calls.installation import version
from pgqueue.drivers import psycopg as driver
from pgqueue.drivers.own import OwnAsyncConnection, options_for
from pgqueue.errors import PgQueueError
from pgqueue.metrics import catalogue
from pgqueue.metrics.installation import Increments, numbers_of, relation_numbers
from pgqueue.metrics.numbers import Numbers, families
from pgqueue.settings import SCHEMA
from pgqueue.stats import Sampler, Stats
from pgqueue.version import check_revision

logger = logging.getLogger("pgqueue.exporter")

INTERVAL = timedelta(seconds=5)
ANSWER_SECONDS = 10.0  # a sample that takes longer is given up, and the connection with it
SHARE = 20  # a sample that is dear is taken again after twenty times as long as it took
LONGEST_PAUSE_SECONDS = 5.0  # between two tries to reach the database


@dataclass(frozen=True, slots=True)
class Sample:
    """What was found, when by our steady clock, and how long it took."""

    numbers: Numbers
    taken: float
    seconds: float


class Exporter:
    """Samples one installation, and tells Prometheus of the last sample: a prometheus_client collector.

    interval: how often to sample.
    """

    def __init__(
        self, dsn: str, *, schema: str = SCHEMA, interval: timedelta = INTERVAL, prepare: bool = True
    ) -> None:
        self._dsn = dsn
        self._schema = schema
        self._interval_seconds = interval.total_seconds()
        self._options: dict[str, Any] = options_for(dsn, prepare=prepare)
        self._sampler = Sampler()
        self._increments = Increments()
        self._tables: Numbers = {}
        self._sample: Sample | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Sample until stopped, connecting again whenever the connection is lost."""
        while not self._stopping.is_set():
            try:
                async with await OwnAsyncConnection.connect(self._dsn, **self._options) as connection:
                    await self._sample_on(connection)
            except (psycopg.Error, PgQueueError, OSError) as error:
                self._sample = None
                logger.warning("no sample, trying on: %s", " ".join(str(error).split()))
                longest = min(self._interval_seconds, LONGEST_PAUSE_SECONDS)
                await self._pause(longest * (0.5 + random.random()))  # noqa: S311 - jitter, not a secret

    def stop(self) -> None:
        """End `run` after the sample under way. To be called in its loop."""
        self._stopping.set()

    def collect(self) -> Iterator[Family]:
        """The metrics, for prometheus_client."""
        return families(self._numbers(), catalogue.INSTALLATION)

    def _numbers(self) -> Numbers:
        """What was found last, unless that is long ago: old numbers would be believed."""
        sample = self._sample
        age = float("inf") if sample is None else time.monotonic() - sample.taken
        if sample is None or age > 3 * self._pause_seconds(sample) + ANSWER_SECONDS:
            return {(catalogue.UP.name, ()): 0}
        return {
            **sample.numbers,
            (catalogue.UP.name, ()): 1,
            (catalogue.SAMPLE_SECONDS.name, ()): sample.seconds,
            (catalogue.SAMPLE_AGE.name, ()): age,
        }

    async def _sample_on(self, connection: OwnAsyncConnection) -> None:
        connection.answer_seconds = ANSWER_SECONDS
        installed = await self._ask(connection, version())
        check_revision(installed.revision, self._schema)
        logger.info("sampling every %g s", self._interval_seconds)
        while not self._stopping.is_set():
            started = time.monotonic()
            stats = self._sampler.learn([await self._ask(connection, call) for call in self._sampler.ask()])
            ended = time.monotonic()
            self._sample = Sample(self._told(stats), ended, ended - started)
            await self._pause(self._pause_seconds(self._sample))

    async def _ask(self, connection: OwnAsyncConnection, call: Call[Any]) -> Any:
        return await driver.run_async(connection, call, self._schema)

    async def _pause(self, seconds: float) -> None:
        """Wait for so long, but not once we are to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _told(self, stats: Stats) -> Numbers:
        """The numbers of a sample; those of the tables from the one before where none could be had."""
        self._tables = relation_numbers(stats.relations) or self._tables
        return {**numbers_of(stats), **self._tables, **self._increments.learn(stats.relations)}

    def _pause_seconds(self, sample: Sample) -> float:
        return max(self._interval_seconds - sample.seconds, SHARE * sample.seconds)
