"""Which schema this package works with, and whether the one found is it; reads files, never a database."""

import hashlib

from pgqueue.assets import migrations_folder, sql_files
from pgqueue.errors import SchemaMismatch

TOPICS = ("functions", "views")


def head() -> str:
    """The newest migration this package brings: the number its file's name begins with."""
    return max(file.name[:4] for file in migrations_folder().glob("versions/[0-9]*.py"))


def functions_digest() -> str:
    """A digest of the functions and views this package brings."""
    digest = hashlib.sha256()
    for topic in TOPICS:
        for name, text in sql_files(topic):
            digest.update(f"{topic}/{name}\n{text}".encode())
    return digest.hexdigest()[:16]


def check_revision(installed: str, schema: str) -> None:
    """Raise SchemaMismatch, naming the mend, unless this package works with that migration."""
    if installed < head():
        raise SchemaMismatch(
            f"schema {schema!r} is at migration {installed}, this pgqueue needs {head()}: "
            "run `pgqueue migrate`"
        )
    if installed > head():
        raise SchemaMismatch(
            f"schema {schema!r} is at migration {installed}, this pgqueue knows only {head()}: "
            "upgrade the package"
        )
