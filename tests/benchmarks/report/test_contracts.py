from benchmarks.contestants import CONTESTANTS
from benchmarks.report.contracts import contract_of, promises


def test_a_docstring_is_split_where_it_says_something_new() -> None:
    told = "A queue.\n\nDelivery: once,\nat most.\nHistory: none.\n\nIt has\nmore."

    assert promises(told) == ["A queue.", "Delivery: once, at most.", "History: none.", "It has more."]


def test_every_contestant_says_how_it_delivers_what_it_keeps_and_how_durable_it_is() -> None:
    for system in {contestant.system for contestant in CONTESTANTS}:
        told = [promise.partition(":")[0] for promise in contract_of(system)]
        assert {"Delivery", "History", "Durability", "Transactional enqueue"} <= {*told}, system


def test_a_limit_of_the_machine_promises_nothing() -> None:
    assert contract_of("machine") == []
