"""When an idle worker looks for work again: soon after work, else when it is woken, late in any case.

The state of one worker's idleness and the calls it asks for; it runs none
itself. The protocol, and why no wakeup is lost: sql/README.md, "Wakeups".
"""

import random
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from pgqueue.calls.call import Call
from pgqueue.calls.watch import WATCH, arm, disarm, leave_posts, leave_watch, next_due, take_watch

QUICK_POLLS_SECONDS = (0.001, 0.002, 0.004, 0.008)  # after work there is often more, moments later
UNARMED_SECONDS = (0.002, 0.1)  # while an enqueue in flight keeps us from arming: first pause, longest
UNSURE_SECONDS = (0.05, 1.0)  # armed, but not allowed yet to look below the floors (see Floors.look)
SOONEST_DUE_SECONDS = 0.001
# Who hears nothing looks the more seldom the longer it has found nothing: after this
# part of that time. The reserve waits no longer than so: in a fleet of fifty somebody
# comes every tenth of a second, and each asks a question in four and a half.
IDLE_PART = 0.2
SOONEST_LOOK_SECONDS = 0.05
RESERVE_SECONDS = 4.5
NEVER = float("inf")

Request = tuple[Call[Any], Callable[[Any], None]]
"""A call to run before the next claim, in the same transaction, and who takes its answer."""


class Sentry:
    """Keeps watch over some queues for one worker.

    poll: the net: how often to look although nothing was heard, give or take a half.
    claim_at: by our steady clock, not before when to claim again.
    try_at: the same, when to try for the watch or a post without claiming.
    is_unsure: something may lie below the floors, committed late: look there before sleeping.
    has_guard: whether we have a session of our own, to hold locks and to be notified in.
    """

    def __init__(
        self,
        queues: Sequence[str],
        *,
        poll: timedelta,
        clock: Callable[[], float] = time.monotonic,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self.claim_at = 0.0
        self.try_at = NEVER
        self.is_unsure = False
        self.has_guard = True
        self._queues = tuple(queues)
        self._poll_seconds = poll.total_seconds()
        self._clock = clock
        self._spread = spread
        self._empty_claims = 0
        self._worked_at = clock()
        self._refusals = 0  # of the bell, in a row
        self._unsure_looks = 0  # in a row
        self._due_at: float | None = None
        self._watched: set[str] = set()
        self._posts: dict[str, int] = {}
        self._armed: set[str] = set()
        self._tries_watch = True
        self._leaves = False
        self._heard = False  # since the last claim was sent: it may have looked too early
        self._is_rung = False  # somebody enqueued just now: claim, and ask nothing else before
        self._knows_due = True  # what was enqueued since we asked may fall due sooner

    @property
    def is_asleep(self) -> bool:
        """Whether there is nothing left to do but wait: to be woken, for what falls due, for the net."""
        return (
            self._is_idle
            and not self._tries_watch
            and not self._heard
            and (self._knows_due or not self._watched)
            and self._armed == self._watched
            and not (self._armed and self.is_unsure)
        )

    def requests(self, *, wants_jobs: bool, wants_place: bool = False) -> list[Request]:
        """What to ask of the server now; with `wants_jobs`, before the claim that follows.

        wants_place: it is time to try for the watch or a post, whether or not jobs are wanted.
        """
        if not self._is_idle:
            self._heard = self._heard and not wants_jobs
            return self._requests_at_work()
        if not wants_jobs:
            return self._requests_for_place() if wants_place else []
        self._heard = False
        if self._is_rung:
            self._is_rung = False
            return []
        if not self.has_guard:
            return [(next_due(self._queues), self._learn_due)]
        if self._tries_watch:
            asked = self._requests_for_place()
            if asked:
                return asked
        return self._requests_on_watch()

    def found_work(self, *, is_full: bool) -> None:
        """A claim found jobs. Full, the worker leaves the watch to another."""
        self._empty_claims = 0
        self._unsure_looks = 0
        self._worked_at = self._clock()
        self._leaves = is_full
        self.claim_at = 0.0
        self.try_at = NEVER

    def step_aside(self) -> None:
        """Leave the watch and our post: others are to hear of work."""
        self.found_work(is_full=True)

    def found_nothing(self) -> None:
        """A claim found no job."""
        now = self._clock()
        if self._heard:
            self.claim_at = 0.0
        elif self._empty_claims < len(QUICK_POLLS_SECONDS):
            self.claim_at = now + QUICK_POLLS_SECONDS[self._empty_claims]
        elif not self.has_guard or self.is_asleep:
            self._sleep(now)
        elif self._refusals:
            self.claim_at = now + growing(UNARMED_SECONDS, self._refusals)
        elif self._armed and self.is_unsure:
            self.claim_at = now + growing(UNSURE_SECONDS, self._unsure_looks)
            self._unsure_looks += 1
        else:
            self.claim_at = now
        self._empty_claims += 1

    def expect(self, seconds: float) -> None:
        """We put a job back ourselves, due so long from now: nobody rings for it if the watch is ours."""
        due_at = self._clock() + max(seconds, SOONEST_DUE_SECONDS)
        self._due_at = due_at if self._due_at is None else min(self._due_at, due_at)
        self.claim_at = min(self.claim_at, due_at)

    def hear(self, word: str, queue: str) -> bool:
        """A notification came. Returns whether it is a reason to look for work."""
        if queue not in self._queues:
            return False
        if word == "watch" and queue not in self._watched:
            self._tries_watch = True
        elif word == "wake" and queue in self._watched:  # perhaps while the answer that we are armed is read
            self._is_rung = True
            self._knows_due = False
        elif word != "resume":
            return False
        self.look()
        return True

    def look(self) -> None:
        """Look now, and below the floors."""
        self.is_unsure = True
        self._heard = True
        self.claim_at = 0.0
        self.try_at = NEVER

    def farewell(self) -> list[Call[None]]:
        """What to ask of the server at the end: the watch is for others to take."""
        parting: list[Call[None]] = []
        if self._armed:
            parting.append(disarm(sorted(self._armed)))
        if self._watched:
            parting.append(leave_watch(sorted(self._watched)))
        return parting

    def forget(self) -> None:
        """The session is gone, and with it its locks."""
        self._watched.clear()
        self._posts.clear()
        self._armed.clear()
        self._tries_watch = True
        self._leaves = False
        self._refusals = 0
        self.look()

    @property
    def _is_idle(self) -> bool:
        return self._empty_claims >= len(QUICK_POLLS_SECONDS)

    def _requests_at_work(self) -> list[Request]:
        """While we find work nobody need ring, and if we are full somebody else should watch and hear."""
        asked: list[Request] = []
        if self._armed:
            asked.append((disarm(sorted(self._armed)), self._let_bells_go))
        if self._watched and self._leaves:
            asked.append((leave_watch(sorted(self._watched)), self._left_watch))
        if self._posts and self._leaves:
            asked.append((leave_posts(self._posts), self._left_posts))
        return asked

    def _requests_for_place(self) -> list[Request]:
        # Not when the answer comes: what is heard meanwhile is a reason to try again.
        self._tries_watch = False
        self.try_at = NEVER
        free = [queue for queue in self._queues if queue not in self._watched]
        return [(take_watch(free, self._posts), self._took_places)] if free else []

    def _requests_on_watch(self) -> list[Request]:
        watched = [queue for queue in self._queues if queue in self._watched]
        if not watched:
            return []
        unarmed = [queue for queue in watched if queue not in self._armed]
        arming: list[Request] = [(arm(unarmed), self._took_bells)] if unarmed else []
        return [*arming, (next_due(watched), self._learn_due)]

    def _sleep(self, now: float) -> None:
        """Until the net, or what falls due. Where a place is to be had, every other look is for it."""
        keeps_all = len(self._watched) == len(self._queues)
        self._unsure_looks = 0
        look = self._look_seconds(now) * (0.5 + self._spread())
        if self.has_guard and not keeps_all:
            self.try_at = now + look
            look *= 2
        self.claim_at = now + look
        if self._due_at is not None:
            self.claim_at = min(self.claim_at, max(self._due_at, now + SOONEST_DUE_SECONDS))
            self._due_at = self._due_at if self._due_at > now else None  # one more look

    @property
    def _is_in_earshot(self) -> bool:
        """Whether somebody tells us when work is to be done, in each of our queues."""
        return len(self._watched) + len(self._posts) == len(self._queues)

    def _look_seconds(self, now: float) -> float:
        """How long to wait until the next look, on the average."""
        if self.has_guard and self._is_in_earshot:
            return self._poll_seconds
        latest = min(self._poll_seconds, RESERVE_SECONDS) if self.has_guard else self._poll_seconds
        return min(max((now - self._worked_at) * IDLE_PART, SOONEST_LOOK_SECONDS), latest)

    def _took_places(self, places: dict[str, int]) -> None:
        """New places are a reason to look: what came before we heard, nobody told us."""
        for queue, post in places.items():
            if post == WATCH:
                self._watched.add(queue)
                self._posts.pop(queue, None)
            else:
                self._posts[queue] = post
        if not self._watched:
            self._due_at = None  # it is the watcher's to wake for it
        if places:
            self._tries_watch = True
            self.look()

    def _took_bells(self, queues: list[str]) -> None:
        """Armed. What was committed since our last look rang no bell, and may lie below the floors."""
        self._armed.update(queues)
        self.is_unsure = self.is_unsure or bool(queues)
        self._refusals = 0 if self._armed == self._watched else self._refusals + 1

    def _let_bells_go(self, _: None) -> None:
        self._armed.clear()
        self._refusals = 0

    def _left_watch(self, _: None) -> None:
        self._watched.clear()
        self._tries_watch = True
        self._leaves = False

    def _left_posts(self, _: None) -> None:
        self._posts.clear()
        self._tries_watch = True

    def _learn_due(self, due: timedelta | None) -> None:
        self._knows_due = True
        self._due_at = None if due is None else self._clock() + due.total_seconds()


def growing(bounds: tuple[float, float], times: int) -> float:
    """The first pause, doubled so many times, but no longer than the longest."""
    shortest, longest = bounds
    return min(shortest * 2.0 ** min(times, 16), longest)
