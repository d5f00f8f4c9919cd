"""Lets `python -m benchmarks` run; it must never hold anything but that."""

from benchmarks.command import main

if __name__ == "__main__":
    main()
