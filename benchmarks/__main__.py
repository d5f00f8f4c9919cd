"""Lets `python -m benchmarks` run; it must never need the bench extra to say that it is missing."""

import importlib.util
import sys

from benchmarks.stopping import stop_in_order

NEEDED = ("typer", "rich", "redis", "psutil", "matplotlib")


def main() -> None:
    """Run the command, or say in one line which extra it needs."""
    stop_in_order()
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"benchmarks: {' and '.join(missing)} not installed; run: pip install -e '.[bench]'")
    from benchmarks.command import run  # noqa: PLC0415 - it imports what may be missing

    run()


if __name__ == "__main__":
    main()
