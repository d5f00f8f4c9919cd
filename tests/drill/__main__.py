"""Lets `python -m tests.drill` run; it must never hold anything but that."""

from tests.drill.command import main

if __name__ == "__main__":
    main()
