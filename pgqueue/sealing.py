"""Payloads, results and errors that only who has the key can read: AES-GCM, with a key that can be changed.

It must never keep a key in what it prints, nor answer with text that somebody has changed.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping
from typing import Any, Self

from pgqueue.errors import InvalidPayload, MissingExtra, UnknownKey

MARK = "pgqueue:sealed"
KEY_BYTES = 32  # AES-256
NONCE_BYTES = 12  # drawn anew each time; NIST SP 800-38D allows 2**32 of them a key
VARIABLE = "PGQUEUE_KEYS"


class Keyring:
    """Keys by name: the current one seals, all of them open.

    keys: 32 bytes each, such as `secrets.token_bytes(32)` makes. Names are stored beside what is
        sealed and are no secret. To change the key, add one and make it current; drop the old one
        once nothing is left that it sealed (the retention, and the dead letters).
    current: the name of the key that seals; the first one unless told.

    What is sealed is bound to what it is: the payload of another task, or the result of another
    job, does not open. Anybody may see who runs what and when, how large it is, and which class an
    error had. Raises ValueError for a key that is none, MissingExtra without `cryptography`.
    """

    def __init__(self, keys: Mapping[str, bytes], *, current: str | None = None) -> None:
        for name, key in keys.items():
            if len(key) != KEY_BYTES:
                raise ValueError(f"key {name!r} has {len(key)} bytes, not {KEY_BYTES}")
        self.current = next(iter(keys), None) if current is None else current
        if self.current not in keys:
            raise ValueError(f"no key {self.current!r} to seal with; there are: {', '.join(keys) or 'none'}")
        self._ciphers = {name: cipher_of(key) for name, key in keys.items()}

    @classmethod
    def from_text(cls, text: str) -> Self:
        """From `NAME:KEY` pairs with spaces between, the key in base64; the first one is current."""
        pairs = [pair.partition(":") for pair in text.split()]
        try:
            keys = {name: base64.b64decode(key, validate=True) for name, _, key in pairs}
        except binascii.Error as error:
            raise ValueError("a key is not base64: give NAME:KEY pairs with spaces between") from error
        return cls(keys)

    @classmethod
    def from_environment(cls, variable: str = VARIABLE) -> Self:
        """From an environment variable; see `from_text`."""
        return cls.from_text(os.environ.get(variable, ""))

    def __repr__(self) -> str:
        """The names, never the keys."""
        return f"<keyring {', '.join(self._ciphers)}, sealing with {self.current}>"

    def seal(self, text: bytes, *, about: str) -> dict[str, dict[str, str]]:
        """The text as a JSON object nobody can read. about: what it is; told again, it opens."""
        nonce = os.urandom(NONCE_BYTES)
        name = str(self.current)
        data = nonce + self._ciphers[name].encrypt(nonce, text, about.encode())
        return {MARK: {"key": name, "data": base64.b64encode(data).decode()}}

    def unseal(self, sealed: Any, *, about: str) -> bytes:
        """The text again. Raises UnknownKey, and InvalidPayload for what was changed or is another's."""
        name, data = sealed[MARK]["key"], sealed[MARK]["data"]
        cipher = self._ciphers.get(name)
        if cipher is None:
            there = ", ".join(self._ciphers)
            raise UnknownKey(f"the {about} is sealed with key {name!r}; there are: {there}")
        try:
            raw = base64.b64decode(data, validate=True)
            opened: bytes = cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], about.encode())
        except Exception as error:  # the library's own has no words, and none of them would be of use
            raise InvalidPayload(
                f"the {about} does not open with key {name!r}: it was changed, or is not what it says"
            ) from error
        return opened


def is_sealed(value: object) -> bool:
    """Whether this JSON value is something sealed."""
    if not isinstance(value, dict) or value.keys() != {MARK}:
        return False
    sealed = value[MARK]
    return isinstance(sealed, dict) and all(isinstance(sealed.get(part), str) for part in ("key", "data"))


def about_payload(task: str) -> str:
    """What the payload of a task's jobs is bound to; no job has an id yet."""
    return f"payload of task {task}"


def about_result(job: int) -> str:
    """What a result is bound to."""
    return f"result of job {job}"


def about_error(job: int) -> str:
    """What an error is bound to."""
    return f"error of job {job}"


def sealed_error(keyring: Keyring, job: int, error: dict[str, Any]) -> dict[str, Any]:
    """What is kept of an error, of which only the class can be read: dead letters are found by it."""
    sealed = keyring.seal(json.dumps(error).encode(), about=about_error(job))
    return {"type": error["type"], "message": "(sealed)", "traceback": None, "sealed": sealed}


def sealed_result(keyring: Keyring, job: int, result: str) -> str:
    """A result's JSON text, sealed."""
    return json.dumps(keyring.seal(result.encode(), about=about_result(job)))


def opened_error(keyring: Keyring, job: int, error: dict[str, Any] | None) -> dict[str, Any] | None:
    """An error that may be sealed, readable."""
    if error is None or not is_sealed(error.get("sealed")):
        return error
    opened: dict[str, Any] = json.loads(keyring.unseal(error["sealed"], about=about_error(job)))
    return opened


def opened(keyring: Keyring, value: Any, *, about: str) -> Any:
    """A JSON value that may be sealed, readable."""
    return json.loads(keyring.unseal(value, about=about)) if is_sealed(value) else value


def cipher_of(key: bytes) -> Any:
    """What seals and opens. Raises MissingExtra."""
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra("sealed payloads need cryptography: pip install 'pgqueue-py[crypto]'") from error
    return AESGCM(key)
