"""What the manifests say that the drill plays by: the autoscaler's rules, the monitor's interval."""

from dataclasses import dataclass
from typing import Any

from pgqueue.durations import duration
from tests.drill.autoscaler import Policy, Rules, Scaling
from tests.k8s.manifests import K8S, documents

COMPONENTS = K8S / "components"
HPA = COMPONENTS / "hpa" / "hpa.yaml"
MONITORS = COMPONENTS / "monitors" / "monitors.yaml"


@dataclass(frozen=True, slots=True)
class Selected:
    """The metric that is scaled on: the sum of those of its samples whose labels are among these."""

    name: str
    labels: dict[str, frozenset[str]]


def scaling() -> Scaling:
    """What the HorizontalPodAutoscaler says of replicas, target and pace."""
    [hpa] = documents(HPA)
    spec = hpa["spec"]
    [metric] = spec["metrics"]
    return Scaling(
        lowest=spec["minReplicas"],
        highest=spec["maxReplicas"],
        target=float(metric["external"]["target"]["averageValue"]),
        up=rules(spec["behavior"]["scaleUp"]),
        down=rules(spec["behavior"]["scaleDown"]),
    )


def rules(said: dict[str, Any]) -> Rules:
    """One direction's."""
    if said["selectPolicy"] != "Max":
        raise NotImplementedError(f"selectPolicy {said['selectPolicy']}: the drill knows Max alone")
    policies = tuple(Policy(one["type"], one["value"], one["periodSeconds"]) for one in said["policies"])
    return Rules(said["stabilizationWindowSeconds"], policies)


def selected() -> Selected:
    """The metric that the HorizontalPodAutoscaler asks for."""
    [hpa] = documents(HPA)
    metric = hpa["spec"]["metrics"][0]["external"]["metric"]
    labels = {one["key"]: frozenset(one["values"]) for one in metric["selector"]["matchExpressions"]}
    return Selected(metric["name"], labels)


def scrape_seconds() -> float:
    """How often the exporter is scraped."""
    [interval] = [
        endpoint["interval"]
        for monitor in documents(MONITORS)
        if monitor["kind"] == "ServiceMonitor"
        for endpoint in monitor["spec"]["endpoints"]
    ]
    return duration(interval).total_seconds()
