"""Who the embedded PostgreSQL runs as: it refuses to run as root."""

from __future__ import annotations

import logging
import os
import pwd
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stockfold.domain.errors import SettingsError

log = logging.getLogger(__name__)

UNPRIVILEGED = "nobody"


@dataclass(frozen=True, slots=True)
class Identity:
    """``uid`` and ``gid`` to run as; None means: as we are."""

    uid: int | None
    gid: int | None

    def give(self, path: Path) -> None:
        """Hand a file or folder over to this identity."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def options(self) -> dict[str, Any]:
        """Arguments of ``subprocess.Popen`` that start a process with this identity."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


OURSELVES = Identity(None, None)


def identity_for(work: Sequence[Path], programs: Sequence[Path]) -> Identity:
    """Ourselves, or for root the system's unprivileged user.

    For that user, the folders above ``work`` and ``programs`` are opened for passing through
    (never for listing), and ``programs`` for reading. Each change is logged.
    """
    if os.geteuid() != 0:
        return OURSELVES
    try:
        user = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise SettingsError(
            f"PostgreSQL does not run as root, and this system has no user {UNPRIVILEGED!r}",
            where="embedded PostgreSQL",
            remedy="Run stockfold as an ordinary user, or set postgres.dsn to a server.",
        ) from None
    for folder in work:
        _let_pass(folder.absolute())
    for folder in programs:
        _let_pass(folder.resolve().parent)
        _let_read(folder.resolve())
    return Identity(user.pw_uid, user.pw_gid)


def _let_pass(folder: Path) -> None:
    for place in (folder, *folder.parents):
        mode = stat.S_IMODE(place.stat().st_mode)
        if not mode & stat.S_IXOTH:
            log.warning("letting user %s pass through %s (chmod o+x)", UNPRIVILEGED, place)
            place.chmod(mode | stat.S_IXOTH)


def _let_read(folder: Path) -> None:
    for place, _, files in os.walk(folder):
        for path in (Path(place), *(Path(place) / name for name in files)):
            mode = stat.S_IMODE(path.stat().st_mode)
            wanted = stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
            if mode & wanted != wanted:
                path.chmod(mode | wanted)
