"""SIGTERM and SIGINT for a worker that is its process's main business."""

import asyncio
import signal

from pgqueue.worker.worker import Worker


async def run_with_signals(worker: Worker) -> None:
    """Run the worker; a first signal stops it within its grace, a second one hurries it."""
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(worker.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    try:
        await running
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
