"""Plays Prometheus and its adapter: scrapes a real exporter now and then, and sums the samples asked for."""

import asyncio
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.drill.manifests import Selected

REPOSITORY = Path(__file__).parents[2]
TIMEOUT_SECONDS = 4


@dataclass(slots=True)
class Scraper:
    """latest: what the last scrape said; None where it failed, or there is no such sample."""

    address: str
    selected: Selected
    latest: float | None = None

    async def scrape_on(self, every_seconds: float) -> None:
        """Scrape until cancelled."""
        while True:
            self.latest = await asyncio.to_thread(self._scrape)
            await asyncio.sleep(every_seconds)

    def _scrape(self) -> float | None:
        try:
            with urllib.request.urlopen(self.address, timeout=TIMEOUT_SECONDS) as answer:
                text: str = answer.read().decode()
        except OSError:
            return None  # as Prometheus, which then marks the series stale
        return summed(text, self.selected)


def summed(text: str, selected: Selected) -> float | None:
    """The sum of the samples selected; None if there are none."""
    values = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == selected.name
        and all(sample.labels.get(label) in values for label, values in selected.labels.items())
    ]
    return sum(values) if values else None


@contextmanager
def exporting(dsn: str, folder: Path, *, interval_seconds: float) -> Iterator[str]:
    """A real exporter as a process of its own inside the block; gives the address of its metrics."""
    with (folder / "exporter.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *[sys.executable, "-m", "pgqueue", "exporter", "--metrics-port", "0"],
                *["--interval", f"{interval_seconds * 1000:.0f}ms"],
            ],
            cwd=REPOSITORY,
            env=os.environ | {"PGQUEUE_DSN": dsn},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip().removeprefix("metrics: ")
    finally:
        process.terminate()
        process.communicate()
