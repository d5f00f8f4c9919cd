"""Tests of the supervisor with real processes, which say over a socket when they start and what they hear."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from pgqueue.backoff import Fixed
from pgqueue.worker.supervisor import EARLY_DEATHS, Supervisor, manner, supervised_workers

ROOT = Path(__file__).parents[2]
AT_ONCE = Fixed(timedelta(0))
NEVER = Fixed(timedelta(days=1))
PATIENCE_SECONDS = 30

# Says "started PID", says "told" at each SIGTERM, and ends with the code it is sent.
CHILD = """
import os, signal, socket, sys
herald = socket.socket(socket.AF_UNIX)
signal.signal(signal.SIGTERM, lambda *_: herald.sendall(b"told\\n"))
herald.connect(os.environ["HERALD"])
herald.sendall(f"started {os.getpid()}\\n".encode())
if os.environ.get("SUPERVISED"):
    from pgqueue.worker.supervisor import stop_when_orphaned
    stop_when_orphaned()
sys.exit(int(herald.recv(10) or b"99"))
"""
CHILD_COMMAND = [sys.executable, "-c", CHILD]
SUPERVISED = {"SUPERVISED": "yes", "PYTHONPATH": str(ROOT)}


class Child:
    """The test's end of one process's socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pid: int) -> None:
        self._reader, self._writer, self.pid = reader, writer, pid

    async def hears(self) -> str:
        """What it says next; empty when it has ended."""
        line = await asyncio.wait_for(self._reader.readline(), PATIENCE_SECONDS)
        return line.decode().strip()

    def end(self, code: int) -> None:
        self._writer.write(str(code).encode())


class Herald:
    """Hears of processes as they start."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._started: asyncio.Queue[Child] = asyncio.Queue()
        self._writers: list[asyncio.StreamWriter] = []

    async def heard(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        word, pid = (await reader.readline()).decode().split()
        assert word == "started"
        await self._started.put(Child(reader, writer, int(pid)))

    async def next(self) -> Child:
        return await asyncio.wait_for(self._started.get(), PATIENCE_SECONDS)

    async def close(self) -> None:
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)

    @property
    def has_more(self) -> bool:
        return not self._started.empty()

    @property
    def environment(self) -> Mapping[str, str]:
        return {"HERALD": str(self.path)}


@pytest.fixture
async def herald() -> AsyncIterator[Herald]:
    with tempfile.TemporaryDirectory() as folder:
        herald = Herald(Path(folder) / "herald")
        server = await asyncio.start_unix_server(herald.heard, herald.path)
        yield herald
        server.close()
        await herald.close()


def supervise(
    herald: Herald, *, processes: int = 1, ends_by_itself: bool = False, delay: Fixed = AT_ONCE
) -> Supervisor:
    return Supervisor(
        CHILD_COMMAND,
        processes=processes,
        environment=herald.environment,
        ends_by_itself=ends_by_itself,
        restart_delay=delay,
    )


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def ended(running: "asyncio.Task[int]") -> int:
    return await asyncio.wait_for(running, PATIENCE_SECONDS)


async def test_stop_tells_each_process_once_and_waits(herald: Herald) -> None:
    supervisor = supervise(herald, processes=3)
    running = asyncio.create_task(supervisor.run())
    children = [await herald.next() for _ in range(3)]

    supervisor.stop()
    told = [await child.hears() for child in children]
    for child in children:
        child.end(0)
    last_words = [await child.hears() for child in children]

    assert told == ["told"] * 3
    assert last_words == [""] * 3
    assert await ended(running) == 0
    assert all(is_gone(child.pid) for child in children)


async def test_a_second_stop_tells_them_again(herald: Herald) -> None:
    supervisor = supervise(herald)
    running = asyncio.create_task(supervisor.run())
    child = await herald.next()

    supervisor.stop()
    first = await child.hears()
    supervisor.stop()
    second = await child.hears()
    child.end(0)

    assert (first, second, await ended(running)) == ("told", "told", 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_to_us_is_passed_on_once(herald: Herald, number: signal.Signals) -> None:
    running = asyncio.create_task(supervise(herald, processes=2).run_with_signals())
    children = [await herald.next() for _ in range(2)]

    os.kill(os.getpid(), number)
    told = [await child.hears() for child in children]
    for child in children:
        child.end(0)

    assert told == ["told", "told"]
    assert [await child.hears() for child in children] == ["", ""]
    assert await ended(running) == 0


async def test_a_process_that_dies_is_replaced(herald: Herald) -> None:
    supervisor = supervise(herald)
    running = asyncio.create_task(supervisor.run())

    first = await herald.next()
    os.kill(first.pid, signal.SIGKILL)
    second = await herald.next()
    second.end(0)  # nobody asked it to end
    third = await herald.next()
    supervisor.stop()
    third.end(0)

    assert await ended(running) == 0
    assert len({first.pid, second.pid, third.pid}) == 3


async def test_a_process_that_fails_while_stopping_is_not_replaced_but_told(herald: Herald) -> None:
    supervisor = supervise(herald, processes=2)
    running = asyncio.create_task(supervisor.run())
    children = [await herald.next() for _ in range(2)]

    supervisor.stop()
    children[0].end(0)
    children[1].end(3)

    assert await ended(running) == 1
    assert not herald.has_more


async def test_stop_does_not_wait_for_a_restart(herald: Herald) -> None:
    supervisor = supervise(herald, delay=NEVER)
    running = asyncio.create_task(supervisor.run())
    child = await herald.next()
    child.end(3)
    assert await child.hears() == ""

    supervisor.stop()

    assert await ended(running) in {0, 1}  # 1 if its end had not been seen yet
    assert not herald.has_more


async def test_processes_that_end_at_once_make_it_give_up(
    herald: Herald, caplog: pytest.LogCaptureFixture
) -> None:
    running = asyncio.create_task(supervise(herald, processes=2).run())
    long_lived = await herald.next()

    other = await herald.next()
    other.end(3)
    for _ in range(EARLY_DEATHS - 1):
        (await herald.next()).end(3)
    told = await long_lived.hears()
    long_lived.end(0)

    assert told == "told"
    assert await ended(running) == 1
    assert "end at once" in caplog.text
    assert "exit code 3" in caplog.text


async def test_processes_that_are_done_are_not_replaced(herald: Herald) -> None:
    running = asyncio.create_task(supervise(herald, processes=2, ends_by_itself=True).run())
    children = [await herald.next() for _ in range(2)]

    for child in children:
        child.end(0)

    assert await ended(running) == 0
    assert not herald.has_more


async def test_cancelled_it_leaves_no_process(herald: Herald) -> None:
    running = asyncio.create_task(supervise(herald, processes=2).run())
    children = [await herald.next() for _ in range(2)]

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ended(running)

    assert all(is_gone(child.pid) for child in children)


async def test_processes_stop_when_the_supervisor_is_killed(herald: Herald) -> None:
    program = (
        "import asyncio, sys; from pgqueue.worker.supervisor import Supervisor; "
        "asyncio.run(Supervisor([sys.executable, '-c', sys.argv[1]], processes=2).run())"
    )
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, CHILD, env={**os.environ, **SUPERVISED, **herald.environment}
    )
    children = [await herald.next() for _ in range(2)]

    owner.kill()
    await owner.wait()
    told = [await child.hears() for child in children]
    for child in children:
        child.end(0)

    assert told == ["told", "told"]


async def test_a_command_that_cannot_be_started_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        await Supervisor(["/nowhere/to/be/found"], processes=2).run()


def test_workers_have_no_dsn_on_their_command_line() -> None:
    supervisor = supervised_workers(["tasks"], processes=2, dsn="host=secret", watch_dsn="host=secret too")

    assert "secret" not in " ".join(supervisor._command)
    assert supervisor._environment["PGQUEUE_DSN"] == "host=secret"
    assert supervisor._environment["PGQUEUE_WATCH_DSN"] == "host=secret too"


def test_how_a_process_ended_is_said_in_words() -> None:
    assert [manner(3), manner(-9), manner(-1000)] == ["with exit code 3", "by SIGKILL", "by signal 1000"]
