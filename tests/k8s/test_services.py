"""Tests that what selects pods, ports and workloads selects those there are."""

import pytest

from tests.k8s.manifests import OVERLAYS, Document, built, container, of_kind, pod, workloads

OTHERS = 20
"""Connections of the exporter, a migration, standbys, the operator, and of who has to look."""

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def selected(overlay: str, labels: dict[str, str]) -> list[Document]:
    """The workloads whose pods carry these labels."""
    return [
        found
        for found in workloads(overlay).values()
        if labels.items() <= pod(found)["metadata"]["labels"].items()
    ]


def port_names(workload: Document) -> set[str]:
    return {port["name"] for port in container(workload)["ports"]}


@every_overlay
def test_a_service_leads_to_a_port_of_one_deployment(overlay: str) -> None:
    services = of_kind(built(overlay), "Service")

    assert set(services) == {"pgqueue-exporter", "pgqueue-serve"}
    for name, service in services.items():
        [workload] = selected(overlay, service["spec"]["selector"])
        assert workload["metadata"]["name"] == name
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= port_names(workload)


@every_overlay
def test_a_deployment_and_its_budget_select_its_own_pods_alone(overlay: str) -> None:
    for name, found in of_kind(built(overlay), "Deployment", "PodDisruptionBudget").items():
        [workload] = selected(overlay, found["spec"]["selector"]["matchLabels"])

        assert workload["metadata"]["name"] == name


@pytest.mark.parametrize("overlay", ["production", "keda"])
def test_the_monitors_find_the_exporter_and_the_workers(overlay: str) -> None:
    objects = built(overlay)
    [service_monitor] = of_kind(objects, "ServiceMonitor").values()
    [pod_monitor] = of_kind(objects, "PodMonitor").values()
    labels = service_monitor["spec"]["selector"]["matchLabels"]
    [service] = [
        found
        for found in of_kind(objects, "Service").values()
        if labels.items() <= found["metadata"]["labels"].items()
    ]
    [worker] = selected(overlay, pod_monitor["spec"]["selector"]["matchLabels"])

    assert service["metadata"]["name"] == "pgqueue-exporter"
    assert [one["port"] for one in service_monitor["spec"]["endpoints"]] == ["metrics"]
    assert [one["name"] for one in service["spec"]["ports"]] == ["metrics"]
    assert worker["metadata"]["name"] == "pgqueue-worker"
    assert {one["port"] for one in pod_monitor["spec"]["podMetricsEndpoints"]} <= port_names(worker)


@every_overlay
def test_one_exporter_runs_at_a_time(overlay: str) -> None:
    spec = workloads(overlay)["pgqueue-exporter"]["spec"]

    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")


@every_overlay
def test_our_pods_alone_are_closed_to_others(overlay: str) -> None:
    """A policy for the whole namespace would cut the database off."""
    [policy] = of_kind(built(overlay), "NetworkPolicy").values()
    allowed = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}

    assert policy["spec"]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "pgqueue"}
    for found in of_kind(built(overlay), "Deployment").values():
        assert port_names(found) <= allowed


def test_what_connects_to_the_database_of_cloudnativepg_names_its_services_and_roles() -> None:
    objects = built("production")
    [cluster] = of_kind(objects, "Cluster").values()
    [pooler] = of_kind(objects, "Pooler").values()
    hosts = {f"{cluster['metadata']['name']}-rw", pooler["metadata"]["name"]}
    database = cluster["spec"]["bootstrap"]["initdb"]
    users = {role["name"] for role in cluster["spec"]["managed"]["roles"]} | {database["owner"]}
    dsns = {
        variable["value"]
        for found in workloads("production").values()
        for variable in container(found)["env"]
        if "value" in variable
    }

    assert pooler["spec"]["cluster"]["name"] == cluster["metadata"]["name"]
    assert dsns <= {
        f"postgresql://{user}@{host}/{database['database']}?sslmode=require"
        for user in users
        for host in hosts
    }
    assert len(dsns) == 4


def test_what_migrates_or_listens_does_not_go_through_the_pooler() -> None:
    environment = {
        name: {variable["name"]: variable.get("value", "") for variable in container(found)["env"]}
        for name, found in workloads("production").items()
    }

    assert "pooler" not in environment["pgqueue-migrate"]["PGQUEUE_DSN"]
    assert "pooler" not in environment["pgqueue-worker"]["PGQUEUE_WATCH_DSN"]
    assert "pooler" in environment["pgqueue-worker"]["PGQUEUE_DSN"]


def test_the_server_has_room_for_all_who_may_connect() -> None:
    objects = built("production")
    [cluster] = of_kind(objects, "Cluster").values()
    [pooler] = of_kind(objects, "Pooler").values()
    [scaler] = of_kind(objects, "HorizontalPodAutoscaler").values()
    roles = len(cluster["spec"]["managed"]["roles"])
    pooled = (
        roles
        * pooler["spec"]["instances"]
        * int(pooler["spec"]["pgbouncer"]["parameters"]["default_pool_size"])
    )
    direct = scaler["spec"]["maxReplicas"] + OTHERS

    assert pooled + direct <= int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
