"""Why a benchmark cannot go on; it must never be swallowed, for a figure from half a run is a lie."""


class BenchmarkFailed(Exception):
    """The run stops here; the message says what to do."""
