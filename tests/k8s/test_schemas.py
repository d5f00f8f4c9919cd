"""Tests that Kubernetes and the operators would take every object: by their own schemas, no field unknown.

The operators' schemas are not ours to keep: `make manifests` fetches them, and without them their tests
are skipped.
"""

import json
import shutil
import subprocess
from copy import deepcopy

import kubernetes_validate
import pytest

from tests.k8s.manifests import K8S, OVERLAYS, Document, built

OLDEST_KUBERNETES = "1.27"
NEWEST_KUBERNETES = kubernetes_validate.latest_version()
SCHEMAS = K8S.parent / "build" / "crd-schemas"
CHECKER = K8S.parent / "tests" / "k8s" / "check_custom.mjs"
BUILTIN_GROUPS = {"v1", "apps", "batch", "policy", "networking.k8s.io", "autoscaling"}

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def is_builtin(found: Document) -> bool:
    return found["apiVersion"].partition("/")[0] in BUILTIN_GROUPS


@every_overlay
@pytest.mark.parametrize("version", [OLDEST_KUBERNETES, NEWEST_KUBERNETES])
def test_kubernetes_would_take_what_is_its_own(overlay: str, version: str) -> None:
    objects = [found for found in built(overlay) if is_builtin(found)]

    assert len(objects) >= 9
    for found in objects:
        kubernetes_validate.validate(found, version, strict=True)


def test_kubernetes_would_not_take_a_field_it_does_not_know() -> None:
    [found] = [one for one in built("small") if one["metadata"]["name"] == "pgqueue-migrate"]
    wrong = deepcopy(found)
    wrong["spec"]["backofLimit"] = 1

    with pytest.raises(kubernetes_validate.ValidationError, match="backofLimit"):
        kubernetes_validate.validate(wrong, NEWEST_KUBERNETES, strict=True)


def checked(objects: list[Document]) -> "subprocess.CompletedProcess[str]":
    """What the operators' schemas say of these. Without the schemas the test is skipped."""
    node = shutil.which("node")
    if node is None or not (SCHEMAS / "node_modules").is_dir():
        pytest.skip("the operators' schemas are not here: make manifests (it needs node and npm)")
    # Node looks for packages beside the program it runs.
    program = shutil.copy(CHECKER, SCHEMAS)
    return subprocess.run(
        [node, program],
        cwd=SCHEMAS,
        input=json.dumps(objects),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("overlay", ["production", "keda"])
def test_the_operators_would_take_what_is_theirs(overlay: str) -> None:
    objects = [found for found in built(overlay) if not is_builtin(found)]

    done = checked(objects)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split() == [found["kind"] for found in objects]


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [("Cluster", "instances", "three"), ("Cluster", "instanzes", 3), ("ObjectStore", "configuraton", {})],
)
def test_the_operators_would_not_take_what_is_wrong(kind: str, field: str, value: object) -> None:
    [found] = [deepcopy(one) for one in built("production") if one["kind"] == kind]
    found["spec"][field] = value

    done = checked([found])

    assert done.returncode == 1
    assert field in done.stdout
