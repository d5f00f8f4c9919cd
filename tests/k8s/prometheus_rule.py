"""Makes the PrometheusRule of the alerts: `python -m tests.k8s.prometheus_rule`.

The alerts stand in one place, k8s/monitoring/rules.yaml, for any Prometheus; kustomize cannot
wrap what a file holds.
"""

from textwrap import indent

from tests.k8s.manifests import K8S

RULES = K8S / "monitoring" / "rules.yaml"
WRAPPED = K8S / "components" / "monitors" / "rules.yaml"
HEAD = """\
# Made of k8s/monitoring/rules.yaml by `python -m tests.k8s.prometheus_rule`: change that one.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: pgqueue
spec:
"""


def wrapped() -> str:
    """The PrometheusRule's text."""
    return HEAD + indent(RULES.read_text(), "  ")


if __name__ == "__main__":
    WRAPPED.write_text(wrapped())
