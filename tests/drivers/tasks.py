"""The task whose jobs travel through every route."""

from pgqueue import task

HOSTILE = (
    "100% %s %(x)s {} $1 :name ?::jsonb 'single' \"double\" back\\slash \\n \\u0041 \t\r\n"
    " Ünïcødé 💾 \u2028 ;--"
)


@task(name="drivers.note", max_attempts=3)
def note(text: str, number: int = 0) -> None:
    """Nothing; it is only enqueued."""
