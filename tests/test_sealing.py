"""Tests of what is sealed: only the right key opens it, only as what it is, and nothing tells the key."""

import base64
import json
import secrets

import pytest

from pgqueue import InvalidPayload, Keyring, UnknownKey, task
from pgqueue.sealing import MARK, is_sealed

OLD, NEW = secrets.token_bytes(32), secrets.token_bytes(32)
RING = Keyring({"new": NEW, "old": OLD})


@task(name="charge", keyring=RING)
def charge(card: str) -> None:
    """A handler with something to hide."""


def test_a_sealed_payload_tells_nothing_and_opens_again() -> None:
    payload = charge.job(card="4242").payload

    assert "4242" not in payload
    assert is_sealed(json.loads(payload))
    assert charge.decode(payload) == {"card": "4242"}


def test_the_same_twice_looks_different() -> None:
    assert charge.job(card="4242").payload != charge.job(card="4242").payload


def test_the_first_key_seals_and_every_key_opens() -> None:
    before = task(name="charge", keyring=Keyring({"old": OLD}))(charge.function)
    payload = before.job(card="4242").payload

    assert json.loads(payload)[MARK]["key"] == "old"
    assert json.loads(charge.job(card="1").payload)[MARK]["key"] == "new"
    assert charge.decode(payload) == {"card": "4242"}


def test_a_key_that_is_not_there_is_named() -> None:
    after = task(name="charge", keyring=Keyring({"new": NEW}))(charge.function)
    before = task(name="charge", keyring=Keyring({"old": OLD}))(charge.function)

    with pytest.raises(UnknownKey, match="payload of task charge is sealed with key 'old'; there are: new"):
        after.decode(before.job(card="4242").payload)


def test_a_task_without_a_keyring_says_so() -> None:
    bare = task(name="charge")(charge.function)

    with pytest.raises(UnknownKey, match="sealed with key 'new', and it has no keyring here"):
        bare.decode(charge.job(card="4242").payload)


def test_the_payload_of_another_task_does_not_open() -> None:
    refund = task(name="refund", keyring=RING)(charge.function)

    with pytest.raises(InvalidPayload, match="was changed, or is not what it says"):
        refund.decode(charge.job(card="4242").payload)


@pytest.mark.parametrize("place", [0, 12, -1])
def test_what_was_changed_does_not_open(place: int) -> None:
    sealed = json.loads(charge.job(card="4242").payload)
    data = bytearray(base64.b64decode(sealed[MARK]["data"]))
    data[place] ^= 1
    sealed[MARK]["data"] = base64.b64encode(data).decode()

    with pytest.raises(InvalidPayload, match="was changed"):
        charge.decode(json.dumps(sealed))


@pytest.mark.parametrize("data", ["", "A", "not base64!", "AAAA"])
def test_what_is_no_seal_at_all_is_refused(data: str) -> None:
    with pytest.raises(InvalidPayload):
        charge.decode(json.dumps({MARK: {"key": "new", "data": data}}))


def test_jobs_enqueued_before_there_was_a_keyring_still_run() -> None:
    assert charge.decode('{"card": "4242"}') == {"card": "4242"}


@pytest.mark.parametrize("value", [{MARK: 1}, {MARK: {"key": "new"}}, {MARK: {}, "card": "1"}, [MARK], MARK])
def test_what_only_looks_sealed_is_a_payload_like_any(value: object) -> None:
    with pytest.raises(InvalidPayload, match="charge"):
        charge.decode(json.dumps(value))


def test_a_keyring_is_read_from_text_and_the_first_key_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [f"{name}:{base64.b64encode(key).decode()}" for name, key in (("new", NEW), ("old", OLD))]
    monkeypatch.setenv("PGQUEUE_KEYS", " ".join(pairs))

    ring = Keyring.from_environment()

    assert ring.unseal(RING.seal(b"text", about="it"), about="it") == b"text"
    assert ring.current == "new"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no key None to seal with; there are: none"),
        ("a:!!!", "not base64"),
        ("a:AAAA", "key 'a' has 3 bytes, not 32"),
        ("a", "key 'a' has 0 bytes, not 32"),
    ],
)
def test_text_that_is_no_keyring_is_refused_and_not_repeated(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as raised:
        Keyring.from_text(text)

    assert "!!!" not in str(raised.value)


def test_a_current_key_must_be_on_the_ring() -> None:
    with pytest.raises(ValueError, match="no key 'newer' to seal with; there are: new, old"):
        Keyring({"new": NEW, "old": OLD}, current="newer")


def test_a_keyring_shows_names_and_no_keys() -> None:
    assert repr(RING) == "<keyring new, old, sealing with new>"
    assert not {base64.b64encode(NEW).decode(), NEW.hex(), str(NEW)} & set(str(vars(RING)).split())
