"""Who may do what: bearer tokens with roles. It must never keep a token's text.

Where there are no tokens, programs of this machine may do everything, and nobody else anything.
"""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal, get_args

from starlette.requests import HTTPConnection

from pgqueue.errors import PgQueueError

Role = Literal["read", "enqueue", "admin"]
Authenticate = Callable[[HTTPConnection], Awaitable[Collection[Role]]]

ROLES: tuple[Role, ...] = get_args(Role)
EVERYTHING: frozenset[Role] = frozenset(ROLES)
PREFIX = "pgqueue_"  # by which those who search for leaked secrets know one
FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class InvalidTokens(PgQueueError, ValueError):
    """A list of tokens that cannot be read; the message names the line, never what stands in it."""


class Refused(Exception):
    """Nobody we know: the message says what would do."""


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, of which we keep the SHA-256 alone: its text is random, and cannot be guessed from it.

    roles: read looks at everything, enqueue enqueues and does nothing else, admin does all.
    """

    name: str
    roles: frozenset[Role]
    digest: str = field(repr=False)

    @property
    def line(self) -> str:
        """The token as a line that `read_tokens` reads."""
        return f"{self.name} {','.join(role for role in ROLES if role in self.roles)} {self.digest}"


def new_token(name: str, roles: Iterable[Role]) -> tuple[str, Token]:
    """A fresh token: the text for whoever shall use it, and what to keep."""
    text = PREFIX + secrets.token_urlsafe(32)
    return text, Token(name, frozenset(roles), digest_of(text))


def read_tokens(text: str) -> tuple[Token, ...]:
    """The tokens of a list: a name, roles with commas between, and a SHA-256 in each line. # begins a remark.

    Raises InvalidTokens.
    """
    lines = [(number, line.split("#", 1)[0].split()) for number, line in enumerate(text.splitlines(), 1)]
    tokens = tuple(token_of(number, words) for number, words in lines if words)
    if len({token.name for token in tokens}) < len(tokens):
        raise InvalidTokens("two tokens have the same name: give each its own")
    return tokens


def token_of(number: int, words: list[str]) -> Token:
    """The token that the words of this line tell."""
    if len(words) != 3:
        raise InvalidTokens(f"line {number} of the tokens is not NAME ROLES SHA256: see `pgqueue token`")
    name, roles, digest = words
    given = frozenset(role for role in ROLES if role in roles.split(","))
    if len(given) != len(roles.split(",")):
        raise InvalidTokens(f"line {number} of the tokens: roles are {', '.join(ROLES)}, commas between")
    if len(digest) != 64 or not set(digest.lower()) <= set("0123456789abcdef"):
        raise InvalidTokens(f"line {number} of the tokens: no SHA-256 of 64 hexadecimal digits")
    return Token(name, given, digest.lower())


def digest_of(text: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def by_token(tokens: Collection[Token]) -> Authenticate:
    """Lets in who shows one of these tokens. Raises Refused."""

    async def authenticate(connection: HTTPConnection) -> Collection[Role]:
        scheme, _, text = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Refused("a token is needed: Authorization: Bearer TOKEN")
        shown = digest_of(text.strip())
        # All are compared, each in constant time: how long it takes tells nothing.
        found = [token for token in tokens if hmac.compare_digest(token.digest, shown)]
        if not found:
            raise Refused("this token is not known here")
        return found[0].roles

    return authenticate


async def by_place(connection: HTTPConnection) -> Collection[Role]:
    """Lets in programs of this machine that come by themselves. Raises Refused."""
    if not is_local(connection):
        raise Refused("without tokens only programs of the same machine are served, without a proxy between")
    return EVERYTHING


def is_local(connection: HTTPConnection) -> bool:
    """Whether a program of this machine asks, and not a proxy for somebody else or a web page for its maker.

    A proxy says so in a header, calls us by our public name, or speaks HTTP/1.0 as nginx does
    unless told otherwise; a page has an origin of its own, however its name was made to lead here.
    """
    headers = connection.headers
    host = headers.get("host", "")
    origin = headers.get("origin", f"{connection.scope['scheme']}://{host}")
    return (
        connection.client is not None
        and is_loopback(connection.client.host)
        and connection.scope["http_version"] != "1.0"
        and not any(name in headers for name in FORWARDED)
        and without_port(host) in LOCAL_NAMES
        and origin == f"{connection.scope['scheme']}://{host}"
        and headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
    )


def is_loopback(address: str) -> bool:
    """Whether this is an address that only this machine reaches."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def without_port(host: str) -> str:
    """The name or address of a Host header."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
