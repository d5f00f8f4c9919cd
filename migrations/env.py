"""How alembic runs our migrations: everything in one transaction, one migrator at a time."""

from pgqueue.migrate import run_migrations

run_migrations()
