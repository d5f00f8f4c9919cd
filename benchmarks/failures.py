"""Why a benchmark cannot go on; it must never be swallowed, for a figure from half a run is a lie.

Peers' own Pythons import it, so it has nothing but the standard library.
"""


class BenchmarkFailed(Exception):
    """The run stops here; the message says what to do."""


def one_line(error: BaseException) -> str:
    """What went wrong, for a human: the first line of it."""
    told = str(error).strip().splitlines()
    return told[0] if told else type(error).__name__
