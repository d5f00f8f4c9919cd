"""What metrics say at one moment, as plain numbers: to be added up, sent to another process, and shown."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family

from pgqueue.metrics.catalogue import BY_NAME, Metric

Value = float | list[float]
"""A histogram is a list: how many in each bucket, the last one without a bound, then their sum."""

Numbers = dict[tuple[str, tuple[str, ...]], Value]
"""By a metric's name and its labels' values."""

Reading = Mapping[tuple[str, tuple[str, ...]], Value]
"""The same, only read."""


def empty(metric: Metric) -> list[float]:
    """A histogram of nothing."""
    return [0.0] * (len(metric.bounds) + 2)


def added(many: Iterable[Reading]) -> Numbers:
    """All of these together."""
    total: Numbers = {}
    for numbers in many:
        for key, value in numbers.items():
            total[key] = sum_of(total[key], value) if key in total else value
    return total


def sum_of(one: Value, other: Value) -> Value:
    """Two values of one metric, added up; a histogram's bucket by bucket."""
    if isinstance(one, list) and isinstance(other, list):
        return [a + b for a, b in zip(one, other, strict=True)]
    if isinstance(one, list) or isinstance(other, list):
        raise TypeError("a histogram and a number are not of one metric")
    return one + other


def counted(numbers: Reading) -> Numbers:
    """What remains of one who is gone: all that was counted, nothing that merely was so."""
    return {key: value for key, value in numbers.items() if BY_NAME[key[0]].kind != "gauge"}


def families(numbers: Reading, metrics: Iterable[Metric]) -> Iterator[Family]:
    """As prometheus_client shows them: each of these metrics, with whatever there is of it."""
    by_name: dict[str, list[tuple[tuple[str, ...], Value]]] = {}
    for (name, labels), value in numbers.items():
        by_name.setdefault(name, []).append((labels, value))
    for metric in metrics:
        yield family(metric, by_name.get(metric.name, ()))


def family(metric: Metric, values: Iterable[tuple[tuple[str, ...], Value]]) -> Family:
    """One metric with its values."""
    if metric.kind == "histogram":
        return histogram(metric, values)
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    shown = kind(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in values:
        if not isinstance(value, list):
            shown.add_metric(labels, value)
    return shown


def histogram(metric: Metric, values: Iterable[tuple[tuple[str, ...], Value]]) -> HistogramMetricFamily:
    """One histogram, its buckets as Prometheus wants them: each holds those before it, too."""
    shown = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    bounds = [*(str(float(bound)) for bound in metric.bounds), "+Inf"]
    for labels, value in values:
        if isinstance(value, list):
            shown.add_metric(labels, list(zip(bounds, accumulate(value[:-1]), strict=True)), value[-1])
    return shown
