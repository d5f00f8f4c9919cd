"""One worker's part in the duty of keeping the house: ours, its deputy's, or only to see that it is done.

It must never take a promotion, a frozen colleague or a pause of its own for anybody's death: it
tells only whose turn it is. How the duty passes on: sql/README.md, "Recovery".
"""

import random
import time
from collections.abc import Callable

from pgqueue.calls.duty import Standing

ROUND_SECONDS = 1.0  # between two rounds of the one on duty
DEPUTY_SECONDS = 1.0  # between two tries of its deputy: the death of the one on duty costs so much
SILENT_SECONDS = 4.0  # without a beat: its holder is frozen, or its network is
CALM_SECONDS = 120.0  # a term that lasts so long ends a time of trouble
MOST_SILENCE = 16  # times the usual silence: where terms end one after the other, the rounds are long
SHARED_ASKS = 5.0  # a second, of all the others together: the fewer there are, the sooner each asks
ASK_SECONDS = (1.0, 10.0)  # bounds of the pause of one of the others, give or take a quarter
UNGUARDED_SECONDS = 3.0  # the pause of one who cannot hold locks, give or take a half


class Duty:
    """What we hold of the duty, and what we have heard of it.

    term: the newest we know of; None before we have asked.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, spread: Callable[[], float] = random.random
    ) -> None:
        self.term: int | None = None
        self.is_ours = False
        self.is_deputy = False
        self._workers = 1
        self._beats: int | None = None
        self._moved_at = 0.0  # when we last saw a new beat
        self._began_at = 0.0  # when we first heard of this term
        self._patience = 1  # times the usual silence
        self._heard_at = 0.0  # when we last asked
        self._clock = clock
        self._spread = spread

    @property
    def held(self) -> int | None:
        """The term in which the duty is ours, if it is."""
        return self.term if self.is_ours else None

    @property
    def deputised(self) -> int | None:
        """The term in which we are the deputy, if we are."""
        return self.term if self.is_deputy else None

    @property
    def is_silent(self) -> bool:
        """Whether nobody has done the duty for too long, as far as we have looked."""
        return (
            not self.is_ours
            and self._beats is not None
            and self._silence() >= SILENT_SECONDS * self._patience
        )

    @property
    def pause_seconds(self) -> float:
        """Until we ask again. Small fleets ask often, for in them few are left to notice."""
        if self.is_ours:
            return ROUND_SECONDS
        if self.is_deputy:
            return DEPUTY_SECONDS
        fair = self._workers / SHARED_ASKS * (0.75 + self._spread() / 2)
        return min(max(fair, ASK_SECONDS[0]), ASK_SECONDS[1])

    @property
    def unguarded_pause_seconds(self) -> float:
        """The same for one who cannot hold locks, and only helps where nobody else does it."""
        return UNGUARDED_SECONDS * (0.5 + self._spread())

    def stands(self, standing: Standing) -> None:
        """The server said where we stand."""
        self._note_term(standing.term)
        self.is_ours = standing.is_on_duty
        self.is_deputy = standing.is_deputy
        self._workers = standing.workers
        self.heard(standing.beats)

    def heard(self, beats: int) -> bool:
        """So often has the duty been done. Returns whether that is news, or the first we hear of it."""
        self._heard_at = self._clock()
        if beats == self._beats:
            return False
        self._beats = beats
        self._moved_at = self._heard_at
        return True

    def forget(self) -> None:
        """The session is gone, and with it what we held; and who knows how long the beats were not heard."""
        self.is_ours = False
        self.is_deputy = False
        self._beats = None

    def _note_term(self, term: int) -> None:
        """Be twice as patient with every term that ends soon after another: each new holder begins anew."""
        now = self._clock()
        if term != self.term:
            self._patience = 1 if self.term is None else min(2 * self._patience, MOST_SILENCE)
            self._began_at = now
            self._moved_at = now  # its holder has yet to begin
        elif now - self._began_at >= CALM_SECONDS:
            self._patience = 1
        self.term = term

    def _silence(self) -> float:
        """As of our last question: what came to pass since, we have not asked; large fleets ask seldom."""
        return self._heard_at - self._moved_at
