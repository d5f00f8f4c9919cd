"""Judges a drill: what was promised, and what of it was not kept. Pure; it must never forgive a lost job."""

from collections import Counter

from tests.drill.autoscaler import Scaling, lag_began
from tests.drill.run import Decision, Seen

LAG_SECONDS = 30.0
"""Within which more workers must come."""

MOST_KEYS = 5
"""Of lost jobs that are named."""


def answered_seconds(seen: Seen, scaling: Scaling) -> float | None:
    """How long after the lag began the first worker more was started; None if either never was."""
    began = lag_began([(look.at, look.depth) for look in seen.looks], scaling.lowest, scaling.target)
    more = next((decision for decision in seen.decisions if is_more(decision)), None)
    return None if began is None or more is None else more.at - began


def is_more(decision: Decision) -> bool:
    """Whether workers were added."""
    return decision.after > decision.before


def breaches(seen: Seen, ran: Counter[int], scaling: Scaling) -> list[str]:
    """What was not kept; nothing if all was."""
    return [*scaling_breaches(seen, scaling), *job_breaches(seen, ran), *pod_breaches(seen)]


def scaling_breaches(seen: Seen, scaling: Scaling) -> list[str]:
    """Of the replicas."""
    found = []
    answered = answered_seconds(seen, scaling)
    if answered is None:
        found.append("the load never made more workers come: raise it, or lower the target")
    elif answered > LAG_SECONDS:
        found.append(
            f"more workers came {answered:.1f} s after the lag began, not within {LAG_SECONDS:.0f} s"
        )
    last = seen.looks[-1].replicas
    if last != scaling.lowest:
        found.append(f"{last} workers were left at the end, not {scaling.lowest}")
    return found


def job_breaches(seen: Seen, ran: Counter[int]) -> list[str]:
    """Of the jobs."""
    lost = [key for key in range(1, seen.committed + 1) if key not in ran]
    return [f"{len(lost)} of {seen.committed} jobs never ran: {lost[:MOST_KEYS]} ..."] if lost else []


def pod_breaches(seen: Seen) -> list[str]:
    """Of the processes."""
    failed = [code for code in seen.exit_codes if code]
    return [
        *([f"workers told to stop ended with {failed}"] if failed else []),
        *([f"workers ended by themselves with {seen.fallen}"] if seen.fallen else []),
    ]
