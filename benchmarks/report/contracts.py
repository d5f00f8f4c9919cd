"""What each system promises, in the words of its own docstring; it must never be said anywhere else."""

import ast
import inspect
import re
from importlib.util import find_spec
from pathlib import Path

from benchmarks.peers.catalogue import PEERS
from benchmarks.systems.pgqueue import PgQueue
from benchmarks.systems.redis_streams import RedisStreams
from benchmarks.systems.usual_table import UsualTable

SYSTEMS = {kind.name: kind for kind in (PgQueue, RedisStreams, UsualTable)}
PROMISE = re.compile(r"[A-Z][\w' ]*: ")
"""How a line begins that says something new."""


def contract_of(system: str) -> list[str]:
    """What it is, then promise by promise; nothing for what is no system, such as a limit of the machine."""
    if system in SYSTEMS:
        return promises(inspect.getdoc(SYSTEMS[system]) or "")
    return promises(_script_docstring(PEERS[system].script)) if system in PEERS else []


def _script_docstring(module: str) -> str:
    """Read, not imported: what the peer needs is installed elsewhere."""
    spec = find_spec(module)
    source = Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""
    return ast.get_docstring(ast.parse(source)) or ""


def promises(told: str) -> list[str]:
    """A docstring's paragraphs, split also where a line begins with `Word: `."""
    found: list[str] = []
    is_new = True
    for line in told.splitlines():
        if line and not is_new and not PROMISE.match(line):
            found[-1] += f" {line}"
        elif line:
            found.append(line)
        is_new = not line
    return found
