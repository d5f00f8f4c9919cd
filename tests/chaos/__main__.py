"""Lets `python -m tests.chaos` run; it must never hold anything but that."""

from tests.chaos.command import main

if __name__ == "__main__":
    main()
