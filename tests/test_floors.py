"""Tests of the floors: where a claim may begin to look, and how far below it looks how often."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from pgqueue.delivery import Delivery, Lease, Sight
from pgqueue.floors import IN_FLIGHT, Floors, FloorsOfClient, Look
from pgqueue.marks import Place
from tests.worker.deliveries import NOON, Clock, delivery, lease

LINE_5 = 5  # the place of queue q's priority 5 among its ten lines
SECOND = timedelta(seconds=1)
NOTHING = Sight()
MORE = Sight(more=True)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def floors(clock: Clock) -> Floors:
    """Floors of one queue that have looked everywhere just now, and found one job of many."""
    made = Floors(["q"], clock=clock)
    claim(made, delivery(visible_at=NOON), sight=Sight(more=True, transaction=100, oldest=100))
    return made


def claim(
    floors: Floors, *jobs: Delivery, sight: Sight = NOTHING, at: datetime = NOON, is_unsure: bool = False
) -> Look:
    """A claim of queue q that answers so."""
    look = floors.look(["q"], is_unsure=is_unsure)
    floors.learn(look, saw(sight, *jobs, at=at))
    return look


def saw(sight: Sight, *jobs: Delivery, at: datetime = NOON) -> Lease:
    return replace(lease(*jobs, claimed_at=at), sight=sight)


def at_line_5(floors: Floors, *, is_unsure: bool = False) -> Place | None:
    return floors.look(["q"], is_unsure=is_unsure).floors[LINE_5]


def test_the_first_claim_looks_everywhere_and_asks_for_a_mark(clock: Clock) -> None:
    look = Floors(["q", "r"], clock=clock).look(["q", "r"])

    assert look.floors == [None] * 20
    assert look.is_marked


def test_where_more_is_due_the_floor_is_the_place_of_the_first_job_found(floors: Floors) -> None:
    claim(floors, delivery(41, visible_at=NOON), delivery(42, visible_at=NOON), sight=MORE)

    assert at_line_5(floors) == Place(NOON, 41)


def test_lines_before_the_one_with_jobs_are_exhausted_and_those_after_it_unknown(floors: Floors) -> None:
    found = floors.look(["q"]).floors

    assert found[:LINE_5] == [Place(NOON - IN_FLIGHT)] * LINE_5
    assert found[LINE_5 + 1 :] == [None] * 4


def test_a_claim_that_took_all_raises_every_floor_but_for_what_may_be_in_flight(floors: Floors) -> None:
    claim(floors, delivery(), at=NOON + SECOND)

    assert floors.look(["q"]).floors == [Place(NOON + SECOND - IN_FLIGHT)] * 10


def test_fewer_jobs_than_asked_for_do_not_mean_that_there_is_no_more(floors: Floors) -> None:
    """Cancelled ones were among them."""
    claim(floors, sight=MORE, at=NOON + SECOND)

    assert at_line_5(floors) == Place(NOON, 7)


def test_a_claim_that_looked_at_none_of_the_lines_was_no_sweep(floors: Floors, clock: Clock) -> None:
    """It took a job of the line apart, before any other."""
    clock.advance(30)
    claim(floors, delivery(priority=10), sight=Sight(more=True, transaction=200, oldest=200))

    assert floors.look(["q"]).floors == [None] * 10
    assert floors.look(["q"]).is_marked


def test_the_floors_of_a_paused_queue_stay(clock: Clock) -> None:
    floors = Floors(["q", "r"], clock=clock)
    floors.learn(floors.look(["q", "r"]), saw(Sight(paused=("r",))))

    found = floors.look(["q", "r"]).floors

    assert found == [Place(NOON - IN_FLIGHT)] * 10 + [None] * 10


def test_the_floors_stand_in_the_order_of_the_queues_asked_for(clock: Clock) -> None:
    floors = Floors(["q", "r"], clock=clock)
    floors.learn(floors.look(["r", "q"]), saw(MORE, delivery(queue="r", priority=0)))

    assert floors.look(["r", "q"]).floors[0] == Place(NOON, 7)
    assert floors.look(["q", "r"]).floors[10] == Place(NOON, 7)


@pytest.mark.parametrize(("pause", "reach"), [(1.0, 10), (5.0, 100)])
def test_the_longer_ago_the_last_sweep_the_further_down_the_next_one_looks(
    floors: Floors, clock: Clock, pause: float, reach: float
) -> None:
    clock.advance(pause)

    assert at_line_5(floors) == Place(NOON - timedelta(seconds=reach))


def test_now_and_then_a_sweep_looks_everywhere(floors: Floors, clock: Clock) -> None:
    clock.advance(30)

    assert at_line_5(floors) is None


def test_a_sweep_is_made_once_but_not_where_its_answer_was_lost(floors: Floors, clock: Clock) -> None:
    clock.advance(1)
    floors.look(["q"])
    lost = claim(floors, delivery(), sight=MORE)

    assert lost.reach == 10
    assert floors.look(["q"]).reach == 0


def test_sweeps_that_take_long_are_not_made_again_soon(floors: Floors, clock: Clock) -> None:
    for _ in range(2):
        clock.advance(30)
        look = floors.look(["q"])
        clock.advance(2)
        floors.learn(look, saw(MORE, delivery()))
    clock.advance(199)

    assert floors.look(["q"]).reach == 100


def test_what_appeared_is_looked_for_down_to_the_oldest_transaction_that_could_bring_it(
    floors: Floors, clock: Clock
) -> None:
    """Transaction 200 is under way as of the second mark, and over at the fourth look."""
    for number, oldest in ((200, 200), (300, 200), (400, 200)):
        clock.advance(1)
        claim(
            floors,
            sight=Sight(transaction=number, oldest=oldest),
            at=NOON + timedelta(seconds=number),
            is_unsure=True,
        )

    assert at_line_5(floors, is_unsure=True) == Place(NOON + timedelta(seconds=200) - IN_FLIGHT)


def test_once_it_is_over_and_looked_for_the_floors_are_those_of_a_later_mark(
    floors: Floors, clock: Clock
) -> None:
    for number, oldest in ((200, 200), (300, 200), (400, 400)):
        clock.advance(1)
        claim(floors, sight=Sight(transaction=number, oldest=oldest), at=NOON + timedelta(seconds=number))

    assert at_line_5(floors, is_unsure=True) == Place(NOON + timedelta(seconds=400) - IN_FLIGHT)


def test_a_transaction_older_than_every_mark_keeps_the_look_where_it_was(clock: Clock) -> None:
    floors = Floors(["q"], clock=clock)
    claim(floors, sight=Sight(transaction=100, oldest=50))

    assert at_line_5(floors, is_unsure=True) is None


def test_a_mark_counts_from_when_its_claim_was_sent(clock: Clock) -> None:
    floors = Floors(["q"], clock=clock)
    look = floors.look(["q"])
    clock.advance(0.004)
    floors.learn(look, saw(Sight(transaction=100, oldest=100)))
    clock.advance(0.5)

    assert at_line_5(floors, is_unsure=True) == Place(NOON - timedelta(milliseconds=4) - IN_FLIGHT)


def test_a_line_not_looked_at_is_looked_for_as_far_down_as_before(floors: Floors, clock: Clock) -> None:
    urgent = delivery(priority=0, visible_at=NOON)
    claim(floors, at=NOON, sight=Sight(transaction=200, oldest=200), is_unsure=True)
    clock.advance(1)
    claim(floors, urgent, at=NOON + 5 * SECOND, sight=Sight(more=True, transaction=300, oldest=300))

    assert at_line_5(floors, is_unsure=True) == Place(NOON - IN_FLIGHT)


def test_one_unsure_is_put_off_where_looking_below_is_dear(floors: Floors, clock: Clock) -> None:
    for number in (200, 300):
        clock.advance(1)
        look = floors.look(["q"])
        clock.advance(2)
        floors.learn(look, saw(Sight(more=True, transaction=number, oldest=number), delivery()))
    clock.advance(20)

    assert not floors.look(["q"], is_unsure=True).is_marked
    clock.advance(200)
    assert floors.look(["q"], is_unsure=True).is_marked


def test_begun_anew_it_looks_everywhere(floors: Floors) -> None:
    floors.forget()

    assert floors.look(["q"]).floors == [None] * 10


def test_a_client_keeps_the_floors_of_each_set_of_queues(clock: Clock) -> None:
    floors = FloorsOfClient()

    assert floors.of(["q", "r"]) is floors.of(["q", "r"])
    assert floors.of(["q"]) is not floors.of(["r"])
