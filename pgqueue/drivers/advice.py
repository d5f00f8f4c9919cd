"""What to do about the server's own errors, by SQLSTATE: a note is added, their class stays.

It must never guess from a message's text, nor claim to know what became of a call when nobody does.
"""

UNKNOWN_FATE = (
    "The connection broke before the answer came: whether the server carried this out is not known. "
    "Look before doing it again, or do it again only if twice does no harm"
)
ROLLED_BACK = "The session was ended before its transaction could commit: nothing of it was done; repeat it"
REPEAT = "Nothing was done: roll back and run the whole transaction again"
TIMED_OUT = "Nothing was done: roll back; if the server is merely slow, allow more time and repeat it"

ADVICE: dict[str, str] = {
    "22P05": "The client_encoding, or the database's, lacks a character that the data has: use UTF8",
    "25006": "This session may only read: connect to the primary, or begin the transaction `read write`",
    "25P02": "An earlier statement of this transaction failed: roll back, or to a savepoint, and repeat it",
    "25P03": ROLLED_BACK,
    "25P04": f"{TIMED_OUT} (the limit is transaction_timeout)",
    "40": REPEAT,
    "42501": "Grant this role pgqueue_producer, pgqueue_worker or pgqueue_admin (named after the schema)",
    "53000": "The server is short of something: nothing was done; repeat it once there is enough",
    "53100": "The server's disk is full: nothing was done. Free space, then repeat it; restart nothing",
    "53200": "The server is out of memory, perhaps for locks (max_locks_per_transaction): nothing was done",
    "53300": "The server takes no more connections: close some, or raise max_connections or the role's limit",
    "53400": "A limit the server is configured with is reached: nothing was done; raise it, or ask for less",
    "55P03": f"{TIMED_OUT} (the limit is lock_timeout: somebody's open transaction holds what this needs)",
    "57014": f"{TIMED_OUT} (the limit is statement_timeout, unless somebody cancelled it)",
    "57P05": ROLLED_BACK,
}
"""By SQLSTATE, or by its class."""


def advice_for(sqlstate: str | None) -> str | None:
    """The next step for an error of the server, if we know one."""
    if sqlstate is None:
        return None
    return ADVICE.get(sqlstate) or ADVICE.get(sqlstate[:2])


def add_advice(error: BaseException, advice: str) -> None:
    """Note it on the error, once."""
    note = f"pgqueue: {advice}."
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)
