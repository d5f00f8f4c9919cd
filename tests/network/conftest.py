"""What the worker's tests use, for tests of bad networks."""

from tests.worker.conftest import client, ended, look, run_worker

__all__ = ["client", "ended", "look", "run_worker"]
