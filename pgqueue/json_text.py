"""What JSON text can say that PostgreSQL's jsonb cannot hold, or that would not come back as it went.

It must never change a value: it only names what is wrong, and where.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import SecretBytes, SecretStr

NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
LONGEST_NUMBER = 4_300  # digits; Python reads no longer ones
LONGEST_NUMBER_BITS = int(LONGEST_NUMBER * 3.3219)
LONG_NUMBER = re.compile(rf"[0-9]{{{LONGEST_NUMBER}}}")
STRIDE = 64  # of so long a number every 64th digit is a long number too, and much sooner read
SPARSE_NUMBER = re.compile(rf"[0-9]{{{LONGEST_NUMBER // STRIDE}}}")
MASK = '"**********"'  # how pydantic writes a secret
DEEPEST = 190  # pydantic reads JSON nested up to 200 deep; the object around the arguments is one
TOO_DEEP = f"is nested more than {DEEPEST} deep: store it elsewhere and pass a reference"


def is_suspect(text: str) -> bool:
    """Whether a closer look is due: it may hold a NUL, a NaN turned null, a masked secret, or be very deep.

    Quick, and true of some values that are sound.
    """
    if "null" in text or MASK in text or "NaN" in text or "Infinity" in text:
        return True
    if "\\u0000" in text and NUL.search(text) is not None:
        return True
    if len(text) > LONGEST_NUMBER and has_long_number(text):
        return True
    return len(text) > DEEPEST and text.count("[") + text.count("{") > DEEPEST


def has_long_number(text: str) -> bool:
    """Whether some digits in a row are more than Python reads."""
    return SPARSE_NUMBER.search(text[::STRIDE]) is not None and LONG_NUMBER.search(text) is not None


def faults(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Where a value of plain containers holds what cannot be kept, and why: (path, fault) each."""
    if depth > DEEPEST:
        yield path.split(".", maxsplit=1)[0], TOO_DEEP
    elif isinstance(value, Mapping):
        for key, held in value.items():
            if isinstance(key, str) and "\0" in key:
                yield path, "has a key with a NUL character, which jsonb cannot hold"
            yield from faults(held, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list | tuple | set | frozenset):
        for place, held in enumerate(value):
            yield from faults(held, f"{path}.{place}" if path else str(place), depth + 1)
    else:
        fault = fault_of(value)
        if fault is not None:
            yield path, fault


def fault_of(value: object) -> str | None:
    """Why a single value cannot be kept, or None."""
    if isinstance(value, str) and "\0" in value:
        return "holds a NUL character, which jsonb cannot hold: strip or encode it"
    if isinstance(value, float) and not math.isfinite(value):
        return f"is {value}, for which JSON has no number: pass None or a string"
    if isinstance(value, int) and value.bit_length() > LONGEST_NUMBER_BITS:
        return f"has more than {LONGEST_NUMBER} digits: pass it as hexadecimal text"
    if isinstance(value, SecretStr | SecretBytes):
        return "is a secret, which would be stored as asterisks: pass a reference to where it is kept"
    return None
