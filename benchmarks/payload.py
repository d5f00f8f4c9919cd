"""The bodies every system carries; they must never differ between them."""

import base64
import random

SEED = 20240101

BODY_TEXT = "pgqueue benchmark ".ljust(100, "x")
"""About 100 bytes, plain ASCII, so that no system pays for escaping."""


def body_of(size_bytes: int) -> str:
    """A text of that many bytes, the same in every run: base64, which repeats nothing.

    PostgreSQL tries to compress what is longer than two kilobytes, and finds that it cannot.
    """
    return base64.b64encode(random.Random(SEED).randbytes(size_bytes)).decode()[:size_bytes]
