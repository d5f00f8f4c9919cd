"""Tests that the Dockerfile copies what the wheel is built of."""

import re
import tomllib

from tests.k8s.manifests import K8S

REPOSITORY = K8S.parent


def test_all_that_the_wheel_is_built_of_is_copied() -> None:
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", (K8S / "Dockerfile").read_text(), re.MULTILINE)
    copied = {name for names in copies for name in names.split()}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    about = project["project"]

    assert {*wheel["packages"], *wheel["force-include"], about["readme"], *about["license-files"]} <= copied
    assert {name for name in copied if not (REPOSITORY / name).exists()} == set()
