"""${message}"""

from pgqueue.migrate import run_file

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("${up_revision}_FILE.sql")


def downgrade() -> None:
    run_file("${up_revision}_FILE_down.sql")
