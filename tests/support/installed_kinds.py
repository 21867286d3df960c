"""Channel kinds of a package that is installed for one test."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockfold.channels.kinds import GROUP


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, package: str, **kinds: str) -> None:
    """Install a package of this name, which offers kinds as name=module:object."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    points = "".join(f"{name} = {value}\n" for name, value in kinds.items())
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}")
    monkeypatch.syspath_prepend(folder)
