"""Tests of what runs in the pods: its command lines, ports, secrets, rights, and how it is stopped."""

from collections.abc import Sequence
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict
from typer.main import get_command

from pgqueue.cli import app
from pgqueue.cli.serve import TOKENS_VARIABLE
from pgqueue.worker.worker import STOP_MARGIN_SECONDS
from tests.k8s.manifests import K8S, OVERLAYS, Document, container, of_kind, pod, workloads, written

OTHER_VARIABLES = {TOKENS_VARIABLE, "PGPASSWORD"}  # the second is libpq's own
MARGIN_SECONDS = 5

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def parsed(arguments: Sequence[str]) -> Any:
    """The context of the command that these arguments name, parsed as our command line does, and not run."""
    group = get_command(app)
    context: Any = group.make_context("pgqueue", list(arguments))
    name, command, rest = group.resolve_command(context, list(arguments))  # type: ignore[attr-defined]
    return command.make_context(name, rest, parent=context)


def variables(workload: Document) -> dict[str, Document]:
    """The environment of its container by name."""
    return {variable["name"]: variable for variable in container(workload).get("env", ())}


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGQUEUE_DSN", "PGQUEUE_WATCH_DSN", "PGQUEUE_SCHEMA", "PGQUEUE_TOKENS_FILE"):
        monkeypatch.delenv(name, raising=False)


@every_overlay
def test_every_command_line_is_one_of_ours(overlay: str) -> None:
    commands = {parsed(container(found)["args"]).command.name for found in workloads(overlay).values()}

    assert commands >= {"migrate", "worker", "exporter", "serve"}


def test_a_command_line_that_is_none_of_ours_is_noticed() -> None:
    with pytest.raises(Exception, match="No such option"):
        parsed(["worker", "tasks", "--concurency=10"])


@every_overlay
def test_every_variable_is_one_that_its_command_reads(overlay: str) -> None:
    for found in workloads(overlay).values():
        read = {option.envvar for option in parsed(container(found)["args"]).command.params}

        assert set(variables(found)) <= read | OTHER_VARIABLES
        assert "PGQUEUE_DSN" in variables(found)


@every_overlay
def test_no_secret_stands_in_a_manifest(overlay: str) -> None:
    for found in workloads(overlay).values():
        assert not any("dsn" in word or "://" in word for word in container(found)["args"])
        for name, variable in variables(found).items():
            if "value" in variable:
                assert name.endswith("_DSN")
                assert "password" not in conninfo_to_dict(variable["value"])


def test_every_secret_is_told_of() -> None:
    guide = (K8S / "README.md").read_text()
    secrets = set(secrets_in("secretKeyRef", "secretTargetRef", "passwordSecret", inside=list(written())))

    assert len(secrets) > 3
    assert {name for name in secrets if name not in guide} == set()


def secrets_in(*keys: str, inside: Any) -> list[str]:
    """The names of the secrets under these keys, however deep."""
    if isinstance(inside, list):
        return [name for one in inside for name in secrets_in(*keys, inside=one)]
    if not isinstance(inside, dict):
        return []
    here = [one["name"] for key in keys if key in inside for one in as_list(inside[key])]
    return here + secrets_in(*keys, inside=list(inside.values()))


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@every_overlay
def test_no_pod_has_a_right_it_does_not_need(overlay: str) -> None:
    """What the Pod Security Standard "restricted" asks for, and a read-only root."""
    for found in workloads(overlay).values():
        spec, rights = pod(found)["spec"], container(found)["securityContext"]

        assert spec["serviceAccountName"] == "pgqueue"
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert set(container(found)["resources"]) == {"requests", "limits"}


@every_overlay
@pytest.mark.parametrize("name", ["pgqueue-worker", "pgqueue-serve"])
def test_a_pod_is_given_longer_than_its_own_grace(overlay: str, name: str) -> None:
    workload = workloads(overlay)[name]
    grace: Any = parsed(container(workload)["args"]).params["grace"]
    hooks = container(workload).get("lifecycle", {})
    before = float(hooks["preStop"]["exec"]["command"][1]) if hooks else 0.0

    needed = before + grace.total_seconds() + STOP_MARGIN_SECONDS + MARGIN_SECONDS
    assert pod(workload)["spec"]["terminationGracePeriodSeconds"] >= needed


@every_overlay
def test_every_port_that_is_served_is_the_one_that_is_named(overlay: str) -> None:
    for found in workloads(overlay).values():
        given = parsed(container(found)["args"]).params
        served = [given[name] for name in ("port", "metrics_port") if given.get(name) is not None]
        hosts = [given[name] for name in ("host", "metrics_host") if name in given]

        assert [port["containerPort"] for port in container(found).get("ports", ())] == served
        assert set(hosts) <= {"0.0.0.0"}


@every_overlay
def test_probes_ask_ports_and_paths_that_answer(overlay: str) -> None:
    answering = {"metrics": {"/metrics"}, "http": {"/health/live", "/health/ready"}}
    for found in of_kind(tuple(workloads(overlay).values()), "Deployment").values():
        probes = [probe for key, probe in container(found).items() if key.endswith("Probe")]
        named = {port["name"] for port in container(found)["ports"]}

        assert len(probes) >= 2
        for probe in probes:
            assert probe["httpGet"]["port"] in named
            assert probe["httpGet"]["path"] in answering[probe["httpGet"]["port"]]


@every_overlay
def test_whoever_asks_whether_the_api_lives_does_not_ask_the_database(overlay: str) -> None:
    probes = container(workloads(overlay)["pgqueue-serve"])

    assert probes["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert probes["readinessProbe"]["httpGet"]["path"] == "/health/ready"
