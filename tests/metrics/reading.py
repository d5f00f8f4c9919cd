"""Reads metrics as Prometheus does: the text a server gives, parsed."""

import socket
import urllib.request
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

Labels = tuple[tuple[str, str], ...]


class Reading:
    """The samples of one scrape."""

    def __init__(self, text: str) -> None:
        self.kinds: dict[str, str] = {}
        self._values: dict[tuple[str, Labels], float] = {}
        for family in text_string_to_metric_families(text):
            self.kinds[family.name] = family.type
            for sample in family.samples:
                self._values[sample.name, tuple(sorted(sample.labels.items()))] = sample.value

    def __call__(self, name: str, **labels: str) -> float | None:
        """One sample's value; None if there is none."""
        return self._values.get((name, tuple(sorted(labels.items()))))

    def names(self) -> set[str]:
        """The names of all samples."""
        return {name for name, _ in self._values}

    def label_values(self, label: str) -> set[str]:
        """Every value this label has anywhere."""
        return {value for _, labels in self._values for name, value in labels if name == label}


def read(collector: Collector) -> Reading:
    """What a collector tells now."""
    registry = CollectorRegistry()
    registry.register(collector)
    return Reading(generate_latest(registry).decode())


def scrape(port: int, host: str = "127.0.0.1") -> Reading:
    """What is served there now."""
    with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=20) as answer:
        return Reading(answer.read().decode())


def named(metrics: Iterable[str]) -> set[str]:
    """Names as prometheus_client's parser has them: a counter's without its end."""
    return {name.removesuffix("_total") for name in metrics}


def free_port() -> int:
    """A port nobody listens on, for now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port
