"""The algorithm of Kubernetes' HorizontalPodAutoscaler (autoscaling/v2) for one external metric.

As documented in https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/:
"Algorithm details", "Configurable scaling behavior", "Stabilization window". It is told the time.
It must never be kinder to us than the real one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

TOLERANCE = 0.1
"""How far from 1 the ratio may be without anything being done: the cluster's default."""

SYNC_SECONDS = 15.0
"""How often the controller looks: the cluster's default."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How much the replicas may change within a period: by so many pods, or so many percent of them."""

    kind: Literal["Pods", "Percent"]
    value: int
    period_seconds: float


@dataclass(frozen=True, slots=True)
class Rules:
    """One direction's: the window whose safest wish holds, and policies, of which the widest holds."""

    window_seconds: float
    policies: tuple[Policy, ...]


@dataclass(frozen=True, slots=True)
class Scaling:
    """What a HorizontalPodAutoscaler's specification says. target: of the metric, for each pod on average."""

    lowest: int
    highest: int
    target: float
    up: Rules
    down: Rules


@dataclass(slots=True)
class Autoscaler:
    """One that remembers what it recommended and did. Seconds are of any one steady clock."""

    scaling: Scaling
    _recommended: list[tuple[float, int]] = field(default_factory=list)
    _changes: list[tuple[float, int]] = field(default_factory=list)

    def decide(self, current: int, metric: float | None, *, at: float) -> int:
        """How many replicas there should be from now on. metric: None if there is none: nothing is done."""
        if metric is None:
            return current
        wanted = within(recommended(current, metric, self.scaling.target), self.scaling)
        decided = within(self._limited(current, self._stabilised(current, wanted, at), at), self.scaling)
        if decided != current:
            self._changes.append((at, decided - current))
        return decided

    def _stabilised(self, current: int, wanted: int, at: float) -> int:
        """The lowest recommendation of the window for more, the highest of the window for less."""
        self._recommended.append((at, wanted))
        least = min(self._since(at - self.scaling.up.window_seconds), default=wanted)
        most = max(self._since(at - self.scaling.down.window_seconds), default=wanted)
        return min(max(current, least), most)

    def _since(self, moment: float) -> list[int]:
        return [wanted for at, wanted in self._recommended if at > moment]

    def _limited(self, current: int, wanted: int, at: float) -> int:
        """What the policies allow of it."""
        if wanted > current:
            most = max(self._bound(policy, current, at, sign=1) for policy in self.scaling.up.policies)
            return min(wanted, max(most, current))
        if wanted < current:
            least = min(self._bound(policy, current, at, sign=-1) for policy in self.scaling.down.policies)
            return max(wanted, min(least, current))
        return current

    def _bound(self, policy: Policy, current: int, at: float, *, sign: int) -> int:
        """How far a policy lets the replicas go, counted from those at the beginning of its period."""
        began = current - sum(by for when, by in self._changes if when > at - policy.period_seconds)
        if policy.kind == "Pods":
            return began + sign * policy.value
        exact = began * (1 + sign * policy.value / 100)
        return math.ceil(exact) if sign > 0 else math.floor(exact)


def recommended(current: int, metric: float, target: float) -> int:
    """As many as share the metric by the target; as now, where what is to what may be is near 1."""
    ratio = metric / (target * current)
    return current if abs(ratio - 1) <= TOLERANCE else math.ceil(metric / target)


def quickened(scaling: Scaling, by: float) -> Scaling:
    """The same with all its windows and periods so many times shorter."""

    def shorter(rules: Rules) -> Rules:
        policies = tuple(
            replace(policy, period_seconds=policy.period_seconds / by) for policy in rules.policies
        )
        return Rules(rules.window_seconds / by, policies)

    return replace(scaling, up=shorter(scaling.up), down=shorter(scaling.down))


def within(replicas: int, scaling: Scaling) -> int:
    """The number, between the lowest and the highest."""
    return min(max(replicas, scaling.lowest), scaling.highest)


def lag_began(depths: Sequence[tuple[float, float]], replicas: int, target: float) -> float | None:
    """When there first was more than so many replicas may have, tolerance and all; None if never."""
    return next((at for at, depth in depths if depth > replicas * target * (1 + TOLERANCE)), None)
