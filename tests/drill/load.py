"""The load: so many jobs a second, for so long, then another rate. What is not committed is not counted."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from pgqueue import AsyncClient
from tests.drill.tasks import take

BEAT_SECONDS = 0.1
SPREAD = 0.5
"""Jobs take half as long as the mean to half as long again."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A rate and for how long."""

    jobs_per_second: float
    seconds: float


class Load:
    """committed: the jobs there are, numbered from 1 on."""

    def __init__(self, client: AsyncClient, random: Random, *, job_seconds: float) -> None:
        self.committed = 0
        self._client = client
        self._random = random
        self._job_seconds = job_seconds

    async def come(self, phases: Sequence[Phase]) -> None:
        """Enqueue what is due, every tenth of a second; what a slow beat missed comes with the next."""
        for phase in phases:
            began, before = time.monotonic(), self.committed
            while (passed := time.monotonic() - began) < phase.seconds:
                await self._enqueue(int(passed * phase.jobs_per_second) - (self.committed - before))
                await asyncio.sleep(BEAT_SECONDS)

    async def _enqueue(self, count: int) -> None:
        keys = range(self.committed + 1, self.committed + 1 + count)
        await self._client.enqueue_many(take.job(key=key, seconds=self._seconds()) for key in keys)
        self.committed += len(keys)

    def _seconds(self) -> float:
        return self._job_seconds * (1 + SPREAD * self._random.uniform(-1, 1))


def phases(seconds: float, *, quiet: float, raised: float) -> tuple[Phase, Phase, Phase]:
    """Quiet for a ninth of the time, raised for two, quiet for the rest."""
    ninth = seconds / 9
    return Phase(quiet, ninth), Phase(raised, 2 * ninth), Phase(quiet, 6 * ninth)
