"""Finds our metrics' names in what is written for Prometheus, and knows which there are."""

import re
from pathlib import Path

from pgqueue.metrics.catalogue import BY_NAME

FOLDER = Path(__file__).parents[2] / "k8s" / "monitoring"
RULES = FOLDER / "rules.yaml"
DASHBOARD = FOLDER / "dashboard.json"
NAME = re.compile(r"\bpgqueue_[a-z_]+\b")


def series() -> set[str]:
    """The names under which Prometheus keeps what we tell it: three for each histogram."""
    names = set()
    for metric in BY_NAME.values():
        ends = ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)
        names |= {metric.name + end for end in ends}
    return names


def mentioned(text: str) -> set[str]:
    """Every name in a text that looks like one of ours."""
    return set(NAME.findall(text))
