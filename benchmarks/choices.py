"""Checks what was asked for before anything is started; it must never measure."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import psycopg
import redis
from psycopg.conninfo import conninfo_to_dict

from benchmarks.contestants import CONTESTANTS, Contestant, answering_to
from benchmarks.given import Given, ask_postgres, ask_redis
from benchmarks.peers.catalogue import PEERS
from benchmarks.peers.environment import Environment
from benchmarks.registry import SCENARIOS, chosen_for
from benchmarks.scenario import Scenario
from benchmarks.systems.redis_streams import RedisStreams

STANDARD_OUTPUT = "-"


class Misuse(Exception):
    """What was asked for cannot be; the message says what can."""


class Choice(NamedTuple):
    """A scenario, and whom it is to measure."""

    scenario: Scenario
    contestants: list[Contestant]


def choices_of(names: Sequence[str], systems: Sequence[str]) -> list[Choice]:
    """Raises Misuse for an unknown scenario or system, for a peer that is not installed, and where a scenario
    measures none of the systems.
    """
    if not names:
        raise Misuse(f"name a scenario: {', '.join(SCENARIOS)}")
    for name in names:
        if name not in SCENARIOS:
            raise Misuse(f"unknown scenario {name!r}; there are: {', '.join(SCENARIOS)}")
    wanted = [name for option in systems for name in option.split(",")]
    for name in wanted:
        if not answering_to(name):
            labels = ", ".join(contestant.label for contestant in CONTESTANTS)
            raise Misuse(f"unknown system {name!r}; there are: {labels}")
        if any(map(_is_missing, answering_to(name))):
            raise Misuse(f"{name} is not installed: make bench-peers")
    return [Choice(SCENARIOS[name], _contestants(SCENARIOS[name], wanted)) for name in names]


def _contestants(scenario: Scenario, wanted: Sequence[str]) -> list[Contestant]:
    """Those wanted that the scenario can measure, or its usual ones."""
    found = chosen_for(scenario, wanted)
    if not found:
        able = ", ".join(scenario.systems)
        raise Misuse(f"{scenario.name} measures none of {', '.join(wanted)}; it measures: {able}")
    return found


def given_servers(choices: Sequence[Choice], dsn: str | None, redis_url: str | None) -> Given:
    """The servers to measure on, not asked anything yet. Raises Misuse."""
    if dsn is not None or redis_url is not None:
        for scenario, _ in choices:
            if scenario.own_servers:
                raise Misuse(f"{scenario.name} cannot be measured on a given server: {scenario.own_servers}")
    try:
        conninfo_to_dict(dsn or "")
    except psycopg.ProgrammingError as error:
        raise Misuse(f"--dsn cannot be read: {str(error).strip()}") from error
    try:
        redis.Redis.from_url(redis_url or "redis://")
    except ValueError as error:
        raise Misuse(f"--redis-url cannot be read: {error}") from error
    return Given(dsn, redis_url)


def introduce(choices: Sequence[Choice], given: Given) -> tuple[list[Choice], Given, list[str]]:
    """Who can be measured: peers that are not installed are left out, and whom the given servers, asked what
    they are, do not suit; and what to know about the rows.

    Raises what the servers do, BenchmarkFailed if they cannot be measured, and Misuse if nobody is left.
    """
    notes = ask_postgres(given.dsn) if given.dsn else []
    kept, missing = _without(choices, _is_missing, "not installed (make bench-peers)")
    if not given.redis_url:
        return kept, given, notes + missing
    found = ask_redis(given.redis_url)
    kept, keyless = _without(kept, _is_redis_peer, "a peer's keys cannot be kept apart on a given Redis")
    kept, others = _without(kept, lambda one: _is_other_redis(one, found), f"for the given Redis has {found}")
    return kept, replace(given, redis_durability=found), notes + missing + keyless + others


def _without(
    choices: Sequence[Choice], is_out: Callable[[Contestant], bool], reason: str
) -> tuple[list[Choice], list[str]]:
    """What is left, and a note of those left out. Raises Misuse where nobody is."""
    kept = [
        Choice(scenario, [one for one in contestants if not is_out(one)]) for scenario, contestants in choices
    ]
    for scenario, contestants in kept:
        if not contestants:
            raise Misuse(f"nobody is left for {scenario.name} to measure: {reason}")
    left = _labels(kept)
    out = [label for label in _labels(choices) if label not in left]
    return kept, [f"left out, {reason}: {', '.join(out)}"] if out else []


def _is_missing(contestant: Contestant) -> bool:
    peer = PEERS.get(contestant.system)
    return peer is not None and not Environment(peer).is_made()


def _is_redis_peer(contestant: Contestant) -> bool:
    peer = PEERS.get(contestant.system)
    return peer is not None and peer.server == "redis"


def _is_other_redis(contestant: Contestant, durability: str) -> bool:
    return contestant.system == RedisStreams.name and contestant.durability != durability


def _labels(choices: Sequence[Choice]) -> list[str]:
    """Each once, in order."""
    return list(dict.fromkeys(one.label for choice in choices for one in choice.contestants))


def writable_plot(plot: Path | None, json: str | None) -> Path | None:
    """Where a plot goes: as told, else beside the JSON file; None without either. Raises Misuse."""
    if plot is None:
        return Path(json).with_suffix(".png") if json and json != STANDARD_OUTPUT else None
    if not plot.parent.is_dir():
        raise Misuse(f"cannot write {plot}: there is no folder {plot.parent}")
    return plot


def touched(path: Path) -> Path:
    """The file, found writable before the first measurement, not after minutes of them. Raises Misuse."""
    try:
        path.touch()
    except OSError as error:
        raise Misuse(f"cannot write {path}: {error.strerror}") from error
    return path
