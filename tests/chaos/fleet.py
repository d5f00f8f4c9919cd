"""The worker processes: started as a user would, killed by strikes, started again as a supervisor would.

It must never signal a process that it did not start.
"""

import asyncio
import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.chaos import clocks
from tests.chaos.executions import EXECUTIONS, Account
from tests.chaos.tasks import DSN

REPOSITORY = Path(__file__).resolve().parents[2]
LOOK_SECONDS = 0.1
STOP_SECONDS = 90.0
LEASE = "4s"
LIFE = "--- life"
# All that a worker says that could not reach the server as it started: its supervisor tries again.
REFUSAL = "pgqueue: "


@dataclass(slots=True)
class Post:
    """A place in the fleet, and who stands there now. is_frozen: stopped by SIGSTOP."""

    name: str
    dsn: str
    arguments: list[str] = field(default_factory=list)
    process: "subprocess.Popen[bytes] | None" = None
    is_frozen: bool = False
    lives: int = 0

    @property
    def says_so(self) -> bool:
        """Whether a worker here joins those who are seen alive."""
        return "--poll-only" not in self.arguments

    @property
    def is_alive(self) -> bool:
        """Whether there is a process."""
        return self.process is not None and self.process.poll() is None


class Fleet:
    """The posts of a run.

    unexpected: how workers ended that neither we nor a job of theirs had killed.
    """

    def __init__(self, posts: list[Post], folder: Path, random: Random) -> None:
        self.posts = posts
        self.unexpected: list[str] = []
        self._folder = folder
        self._random = random

    @property
    def account(self) -> Account:
        """Where its handlers write."""
        return Account(self._folder / "executions.log")

    async def keep(self) -> None:
        """Fill every post that is empty, until cancelled."""
        while True:
            for post in self.posts:
                if not post.is_alive:
                    self._look_at_end(post, expected={-signal.SIGKILL})
                    self.start(post)
            await asyncio.sleep(LOOK_SECONDS)

    def start(self, post: Post) -> None:
        """A new worker at this post, its clock right or an hour off, its finishes durable or not."""
        offset_seconds = self._random.choice(clocks.OFFSETS_SECONDS)
        durable = ["--durable-finishes"] if self._random.random() < 0.3 else []
        command = [
            *clocks.interpreter(offset_seconds),
            *["worker", "tests.chaos.tasks", "--queue", "a", "--queue", "b", "--queue", "c"],
            *["--concurrency", "8", "--lease", LEASE, "--grace", "3s", *post.arguments, *durable],
        ]
        with self._log(post).open("ab") as log:
            log.write(f"{LIFE} {post.lives}, clock {offset_seconds:+d} s {durable}\n".encode())
            log.flush()
            post.process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env=os.environ
                | clocks.environment(offset_seconds)
                | {"PGQUEUE_DSN": post.dsn, DSN: post.dsn, EXECUTIONS: str(self.account.path)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        post.is_frozen = False
        post.lives += 1

    def alive(self) -> list[Post]:
        """The posts where a worker runs that is not frozen."""
        return [post for post in self.posts if post.is_alive and not post.is_frozen]

    def kill(self, post: Post) -> None:
        """As the kernel would, short of memory."""
        if post.process is not None:
            post.process.kill()

    def freeze(self, post: Post) -> None:
        """Stop it in the middle of whatever it does."""
        if post.process is not None:
            post.process.send_signal(signal.SIGSTOP)
            post.is_frozen = True

    def thaw(self, post: Post) -> None:
        """Let it go on, unless it was replaced meanwhile."""
        if post.process is not None and post.is_frozen:
            post.process.send_signal(signal.SIGCONT)
            post.is_frozen = False

    async def stop(self) -> None:
        """Ask every worker to stop, and see that it does."""
        for post in self.posts:
            self.thaw(post)
            if post.is_alive and post.process is not None:
                post.process.terminate()
        for post in self.posts:
            await self._stopped(post)

    def end(self) -> None:
        """Leave no process behind, whatever happened."""
        for post in self.posts:
            if post.process is not None:
                post.process.kill()
                post.process.wait()

    async def _stopped(self, post: Post) -> None:
        if post.process is None:
            return
        try:
            await asyncio.to_thread(post.process.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.unexpected.append(f"worker {post.name} did not stop within {STOP_SECONDS:.0f} s of SIGTERM")
        else:
            self._look_at_end(post, expected={0, -signal.SIGKILL, -signal.SIGTERM})

    def _look_at_end(self, post: Post, *, expected: set[int]) -> None:
        """A worker ends because it was killed or told to; that it found no server as it began is no fault."""
        if post.process is None or post.process.returncode in expected:
            return
        life = self._log(post).read_text(errors="replace").rpartition(LIFE)[2]
        _, *words = life.strip().splitlines()
        if not words or not words[0].startswith(REFUSAL):
            code, last = post.process.returncode, words[-1:]
            self.unexpected.append(f"worker {post.name} ended with code {code}, saying {last}")

    def _log(self, post: Post) -> Path:
        return self._folder / f"worker-{post.name}.log"
