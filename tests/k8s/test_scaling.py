"""Tests of what the autoscalers ask for: metrics that there are, and a query that tells the depth."""

import re
from typing import Any

import psycopg
import pytest

from pgqueue import AsyncClient, Job
from pgqueue.metrics.catalogue import BY_NAME
from tests.drill import manifests as drill
from tests.k8s.manifests import K8S, built, documents, of_kind

HPA = K8S / "components" / "hpa"
STATES = {"waiting", "scheduled", "running", "dead"}
SEND = Job(queue="mail", task="send", payload="{}")


def keda() -> dict[str, Any]:
    scaled, _ = documents(K8S / "components" / "keda" / "scaledobject.yaml")
    return scaled


def keda_query() -> str:
    query: str = keda()["spec"]["triggers"][0]["metadata"]["query"]
    return query


def test_the_autoscaler_asks_for_a_metric_and_labels_that_there_are() -> None:
    chosen = drill.selected()

    assert set(chosen.labels) <= set(BY_NAME[chosen.name].labels)
    assert chosen.labels["state"] <= STATES


def test_the_adapter_gives_what_the_autoscaler_asks_for() -> None:
    [values] = documents(HPA / "adapter-values.yaml")
    [rule] = values["rules"]["external"]

    assert re.match(r"\w+", rule["seriesQuery"])[0] == drill.selected().name  # type: ignore[index]
    assert "<<.Series>>{<<.LabelMatchers>>}" in rule["metricsQuery"]


def test_depth_per_worker_is_as_was_asked() -> None:
    scaling = drill.scaling()

    assert (scaling.lowest, scaling.highest, scaling.target) == (2, 50, 500)
    assert keda()["spec"]["triggers"][0]["metadata"]["targetQueryValue"] == "500"
    assert keda()["spec"]["maxReplicaCount"] == scaling.highest


@pytest.mark.parametrize(
    ("overlay", "kind"), [("production", "HorizontalPodAutoscaler"), ("keda", "ScaledObject")]
)
def test_an_autoscaler_scales_the_workers_and_nobody_else_says_how_many(overlay: str, kind: str) -> None:
    [scaler] = of_kind(built(overlay), kind).values()
    workers = of_kind(built(overlay), "Deployment")[scaler["spec"]["scaleTargetRef"]["name"]]

    assert workers["metadata"]["name"] == "pgqueue-worker"
    assert "replicas" not in workers["spec"]


async def test_the_query_counts_what_waits_and_what_runs(dsn: str) -> None:
    async with (
        AsyncClient(dsn) as client,
        await psycopg.AsyncConnection.connect(dsn, autocommit=True) as asking,
    ):
        none = await (await asking.execute(keda_query())).fetchone()
        await client.enqueue_many([SEND] * 5)
        await client.enqueue(Job(queue="slow", task="send", payload="{}"))
        await client.claim("mail", limit=2)
        await asking.execute("set role pgqueue_worker")
        some = await (await asking.execute(keda_query())).fetchone()

    assert (none, some) == ((0,), (6,))


async def test_the_query_for_some_queues_is_as_its_comment_says(dsn: str) -> None:
    text = (K8S / "components" / "keda" / "scaledobject.yaml").read_text()
    clause = re.search(r"where queue = any\('.*'\)", text)[0]  # type: ignore[index]
    async with AsyncClient(dsn) as client, await psycopg.AsyncConnection.connect(dsn) as asking:
        await client.enqueue_many([SEND, Job(queue="email", task="send", payload="{}")])
        some = await (await asking.execute(f"{keda_query()} {clause}")).fetchone()

    assert some == (1,)
