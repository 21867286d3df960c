"""The child process of ``stockfold up`` with services that only say that they run.

``python -m tests.support.child NAME``; the real one is ``stockfold_services.cli.child``.
"""

from __future__ import annotations

import os
import threading

from stockfold.runtime.settings import Settings
from stockfold_services.cli import child


def run(settings: Settings, stop: threading.Event) -> None:
    """Write our process id where the test looks for it, and wait for the end."""
    name = child.sys.argv[1]
    folder = settings.environment.data_dir / "alive"
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f"{name}.{os.getpid()}"
    beside.write_text(f"{os.getpid()} {settings.kafka.bootstrap}", "utf-8")
    beside.replace(folder / name)
    stop.wait()
    (folder / f"{name}.stopped").touch()


if __name__ == "__main__":
    child.SERVICES = dict.fromkeys(child.SERVICES, "tests.support.child")
    child.main()
