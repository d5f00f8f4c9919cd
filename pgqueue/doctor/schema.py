"""Whether what is installed fits this package."""

from pgqueue.doctor.finding import Finding
from pgqueue.migrate import Status

MIGRATE = "Run `pgqueue migrate`."


def fit(status: Status) -> Finding:
    """The installed schema beside this package."""
    facts = {"schema": status.schema, "installed": status.installed, "head": status.head}
    if status.installed is None:
        return Finding("schema", "problem", f"schema {status.schema} holds no pgqueue", MIGRATE, facts)
    at = f"schema {status.schema} is at migration {status.installed}"
    if status.installed > status.head:
        cause = f"{at}, this package knows only {status.head}"
        return Finding("schema", "problem", cause, "Upgrade the package.", facts)
    if status.installed < status.head:
        return Finding("schema", "problem", f"{at}, this package needs {status.head}", MIGRATE, facts)
    if not status.functions_current:
        cause = f"{at}, but its functions are not this package's"
        return Finding("schema", "problem", cause, MIGRATE, facts)
    return Finding("schema", "ok", f"{at}, current", facts=facts)
