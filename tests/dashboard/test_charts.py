"""Tests of what the charts draw."""

from pgqueue.dashboard.charts import MOST_QUEUES, by_priority, lines
from pgqueue.dashboard.history import point_of
from tests.dashboard.looks import ended, look, queue


def test_lines_hold_a_point_a_look() -> None:
    looks = [
        look(total=ended(succeeded_rate=5.0), enqueued_rate=rate, seconds=seconds)
        for seconds, rate in ((0, 1), (2, 3))
    ]

    drawn = lines([point_of(each) for each in looks], ("enqueued", "succeeded"))

    enqueued, succeeded = drawn["series"]
    assert [value for _, value in enqueued["data"]] == [1, 3]
    assert [value for _, value in succeeded["data"]] == [5, 5]
    assert enqueued["data"][1][0] - enqueued["data"][0][0] == 2000


def test_bars_are_split_by_the_priorities_there_are() -> None:
    priorities = (1, 0, 0, 0, 0, 4, 0, 0, 0, 0, 2)

    drawn = by_priority([queue("a", waiting=7, by_priority=priorities), queue("b")])

    assert [(bar["name"], bar["data"]) for bar in drawn["series"]] == [
        ("priority 0", [0, 1]),
        ("priority 5", [0, 4]),
        ("apart", [0, 2]),
    ]
    assert drawn["yAxis"]["data"] == ["b", "a"]


def test_of_many_queues_the_deepest_are_drawn() -> None:
    queues = [queue(f"q{number}", waiting=number) for number in range(100)]

    drawn = by_priority(queues)

    assert len(drawn["yAxis"]["data"]) == MOST_QUEUES
    assert drawn["yAxis"]["data"][-1] == "q99"


def test_where_nothing_waits_it_says_so() -> None:
    assert by_priority([queue()])["title"]["text"] == "nothing waits"
