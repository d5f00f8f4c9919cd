"""Which peers there are, from peers.toml; it must never ask whether they are installed."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.rows import Durability

DURABILITIES: dict[str, tuple[Durability, ...]] = {"postgres": ("fsync",), "redis": ("fsync", "everysec")}
CATALOGUE = Path(__file__).with_name("peers.toml")


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One of the file's tables; the file says what its fields mean."""

    name: str
    requirements: tuple[str, ...]
    server: Literal["postgres", "redis"]
    jobs: int
    pickups: int
    oldest_python: str = ""

    @property
    def durabilities(self) -> tuple[Durability, ...]:
        """What its server can be set to."""
        return DURABILITIES[self.server]

    @property
    def script(self) -> str:
        """The module its own Python runs, which states its contract."""
        return f"benchmarks.peers.scripts.{self.name.replace('-', '_')}"


def _read() -> dict[str, Peer]:
    tables = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
    return {
        name: Peer(
            name=name,
            requirements=tuple(table["requirements"]),
            server=table["server"],
            jobs=table["jobs"],
            pickups=table["pickups"],
            oldest_python=table.get("oldest_python", ""),
        )
        for name, table in tables.items()
    }


PEERS = _read()
"""By name, in the file's order."""
