"""Tests that every manifest is part of something, and every overlay can be built."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.k8s.manifests import K8S, KUSTOMIZATION, OVERLAYS, built
from tests.k8s.prometheus_rule import RULES, WRAPPED, wrapped

KUSTOMIZATIONS = sorted(K8S.rglob(KUSTOMIZATION))
NOT_MANIFESTS = {K8S / "components" / "hpa" / "adapter-values.yaml", *(K8S / "monitoring").iterdir()}


def named(kustomization: Path) -> Iterator[Path]:
    """The files and folders that a kustomization names."""
    said = yaml.safe_load(kustomization.read_text())
    for name in (*said.get("resources", ()), *said.get("components", ())):
        yield (kustomization.parent / name).resolve()
    for patch in said.get("patches", ()):
        if "path" in patch:
            yield kustomization.parent / patch["path"]


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS, ids=lambda path: path.parent.name)
def test_what_is_named_exists(kustomization: Path) -> None:
    missing = [
        path for path in named(kustomization) if not path.is_file() and not (path / KUSTOMIZATION).is_file()
    ]

    assert missing == []


def test_every_manifest_is_named_by_a_kustomization() -> None:
    manifests = {path for path in K8S.rglob("*.yaml") if path.name != KUSTOMIZATION}

    assert manifests - {path for one in KUSTOMIZATIONS for path in named(one)} == NOT_MANIFESTS & manifests


def test_every_component_is_part_of_an_overlay() -> None:
    used = {path for one in KUSTOMIZATIONS if one.parent.parent.name == "overlays" for path in named(one)}

    assert {one.parent for one in KUSTOMIZATIONS if one.parent.parent.name != "overlays"} <= used


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomize_builds_every_overlay(overlay: str) -> None:
    objects = built(overlay)

    names = [(found["kind"], found["metadata"]["name"]) for found in objects]
    assert len(set(names)) == len(names)
    assert {found["metadata"].get("namespace") for found in objects} == {"pgqueue"}


def test_the_alerts_are_those_of_the_rules_for_any_prometheus() -> None:
    assert WRAPPED.read_text() == wrapped(), "run: python -m tests.k8s.prometheus_rule"
    assert yaml.safe_load(wrapped())["spec"] == yaml.safe_load(RULES.read_text())
