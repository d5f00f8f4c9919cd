"""The tables: jobs, ready, claims, outcomes, dead letters and what belongs to them."""

from pgqueue.migrate import run_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0001_tables.sql")


def downgrade() -> None:
    run_file("0001_tables_down.sql")
