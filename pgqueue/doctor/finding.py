"""What an examination finds; a finding names its cause and its mend, or it is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["ok", "advice", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    level: `problem` breaks or slows the queue, now or soon; `advice` may; `ok` is in order.
    cause: what was seen, with its values and bounds. mend: the next step, empty where all is well.
    facts: the same for programs.
    """

    check: str
    level: Level
    cause: str
    mend: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
