"""Where benchmarks put their figures: build/bench.json, each under its own name."""

from __future__ import annotations

import json
from pathlib import Path

RESULTS = Path("build/bench.json")


def keep(path: Path, **figures: object) -> None:
    """Put figures beside those of other benchmarks."""
    known = json.loads(path.read_text()) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**known, **figures}, indent=2) + "\n")
