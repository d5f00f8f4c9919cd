"""Starts the command line, as `pgqueue` and as `python -m pgqueue`.

It must never need more than the core dependencies to say what is missing.
"""

import importlib.util
import sys

NEEDED = {"typer": "typer", "rich": "rich", "pythonjsonlogger": "python-json-logger"}


def main() -> None:
    """Run the command line, or say in one line which extra it needs."""
    missing = [package for name, package in NEEDED.items() if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"pgqueue: {' and '.join(missing)} not installed; run: pip install 'pgqueue-py[cli]'")
    from pgqueue.cli import app  # noqa: PLC0415 - it imports what may be missing

    app()


if __name__ == "__main__":
    main()
