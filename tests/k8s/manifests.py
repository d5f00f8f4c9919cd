"""The manifests of k8s/: as written, file by file, and as kustomize builds them."""

import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

K8S = Path(__file__).parents[2] / "k8s"
OVERLAYS = sorted(path.name for path in (K8S / "overlays").iterdir())
KUSTOMIZATION = "kustomization.yaml"
NO_KUBECTL = "kubectl is not installed here, and there is no wheel of it for this system"

Document = dict[str, Any]


def documents(path: Path) -> list[Document]:
    """The objects of a file of YAML."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def written() -> Iterator[Document]:
    """Every object as it is written, of the base and of all components."""
    for folder in ("base", "components"):
        for path in sorted((K8S / folder).rglob("*.yaml")):
            yield from (found for found in documents(path) if isinstance(found, dict) and "kind" in found)


@cache
def built(overlay: str) -> tuple[Document, ...]:
    """Every object of an overlay as kustomize builds it. Without kubectl the test is skipped."""
    kubectl = shutil.which("kubectl", path=sysconfig.get_path("scripts")) or shutil.which("kubectl")
    if kubectl is None:
        pytest.skip(NO_KUBECTL)
    done = subprocess.run(
        [kubectl, "kustomize", K8S / "overlays" / overlay],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def of_kind(objects: tuple[Document, ...], *kinds: str) -> dict[str, Document]:
    """Those of these kinds by name."""
    return {found["metadata"]["name"]: found for found in objects if found["kind"] in kinds}


def pod(workload: Document) -> Document:
    """The specification of the pods that a Deployment, Job or CronJob makes."""
    spec = workload["spec"]
    template: Document = (spec["jobTemplate"]["spec"] if workload["kind"] == "CronJob" else spec)["template"]
    return template


def workloads(overlay: str) -> dict[str, Document]:
    """Everything in an overlay that makes pods of ours, by name."""
    return of_kind(built(overlay), "Deployment", "Job", "CronJob")


def container(workload: Document) -> Document:
    """The only container of its pods."""
    found: Document
    [found] = pod(workload)["spec"]["containers"]
    return found
