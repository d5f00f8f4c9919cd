"""Tests of the marks: what can still appear, known from which transactions were under way when."""

from pgqueue.marks import MOST, Mark, add, is_settled, settle


def mark(transaction: int) -> Mark:
    return Mark(transaction, {})


def numbers(marks: tuple[Mark, ...]) -> list[int]:
    return [each.transaction for each in marks]


def test_the_youngest_mark_that_nothing_under_way_is_older_than_comes_first() -> None:
    marks = (mark(10), mark(20), mark(30))

    assert numbers(settle(marks, 10)) == [10, 20, 30]
    assert numbers(settle(marks, 29)) == [20, 30]
    assert numbers(settle(marks, 30)) == [30]
    assert is_settled(settle(marks, 29), 29)


def test_where_something_is_older_than_all_none_is_settled() -> None:
    marks = (mark(10), mark(20))

    assert settle(marks, 9) == marks
    assert not is_settled(marks, 9)
    assert not is_settled((), 9)


def test_marks_stand_in_order_whichever_came_first() -> None:
    assert numbers(add((mark(10), mark(30)), mark(20))) == [10, 20, 30]


def test_under_an_endless_transaction_marks_are_thinned_out_but_for_the_oldest_and_the_youngest() -> None:
    marks: tuple[Mark, ...] = ()
    for number in range(10 * MOST):
        marks = add(marks, mark(number))

    assert len(marks) <= MOST
    assert marks[0].transaction == 0
    assert numbers(marks)[-10:] == list(range(10 * MOST - 10, 10 * MOST))
