"""Tests that what holds for the installation is shown, changed within bounds, and nothing else."""

import datetime as dt
from typing import Any

import psycopg
import pytest

from tests.sql.session import Session


def test_what_holds_at_first(session: Session) -> None:
    (found,) = session.call("show_settings")

    assert found == (dt.timedelta(days=7), dt.timedelta(minutes=10), dt.timedelta(days=1), 1024 * 1024)


def test_what_is_given_changes_and_the_rest_stays(session: Session) -> None:
    session.call("change_settings", retention="30 days")
    session.call("change_settings", payload_limit_bytes=1000)

    (found,) = session.call("show_settings")
    assert (found.retention, found.payload_limit_bytes) == (dt.timedelta(days=30), 1000)
    assert found.ready_window == dt.timedelta(minutes=10)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"retention": "-1 second"}, "retention -00:00:01 is not 00:00:00 to 36500 days"),
        ({"ready_window": "0"}, "ready_window 00:00:00 is not 00:00:01 to 1 day"),
        ({"ready_window": "1 day 1 second"}, "ready_window 1 day 00:00:01 is not"),
        ({"history_window": "2 months"}, "history_window 2 mons is not 00:00:01 to 31 days"),
        ({"history_window": "1.5 seconds"}, "history_window 00:00:01.5 is not a whole number of seconds"),
        ({"payload_limit_bytes": 0}, "payload_limit_bytes 0 is not 1 to 268435455"),
        ({"retention": "-1 day", "payload_limit_bytes": -1}, "; payload_limit_bytes -1"),
    ],
)
def test_what_is_out_of_bounds_is_refused_and_nothing_changes(
    session: Session, change: dict[str, Any], told: str
) -> None:
    before = session.call("show_settings")

    with pytest.raises(psycopg.Error) as refusal:
        session.call("change_settings", **change)

    assert refusal.value.sqlstate == "PQ006"
    assert told in (refusal.value.diag.message_primary or "")
    assert session.call("show_settings") == before


def test_a_month_is_a_number_of_days_and_a_day_of_hours(session: Session) -> None:
    session.call("change_settings", history_window="1 month", ready_window="1 day")

    assert session.value("select extract(day from history_window) from pgqueue.installation") == 0
    assert session.call("make_partitions")[0][0] > 0


def test_an_enqueue_meets_the_new_limit_at_once(session: Session) -> None:
    session.call("change_settings", payload_limit_bytes=20)

    with pytest.raises(psycopg.Error) as refusal:
        session.enqueue(payload='{"text": "more than twenty bytes"}')

    assert refusal.value.sqlstate == "PQ003"
