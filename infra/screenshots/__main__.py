"""``python -m infra.screenshots``: the console's pictures for the documentation, from a demo run.

Each is of a real page: by day at a desk's width, by night on a phone. They are cut below what a
page shows first, and their colours are few, so that they stay small.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser
from tests.support.chromium import chromium, executable
from tests.support.console_demo import Shown, shown

FOLDER = Path("infra/docs/console")
DESK = ("desk", 1280, 1000, "light")
PHONE = ("phone", 390, 1100, "dark")
PICTURES = {
    "overview": (DESK, PHONE),
    "sku": (DESK,),
    "orders": (DESK,),
    "order": (DESK, PHONE),
    "reservations": (DESK,),
    "channel": (DESK,),
    "exception": (DESK,),
    "trace": (DESK,),
    "runbook": (DESK,),
    "topology-ledger": (DESK,),
    "rebuild": (DESK,),
}
COLOURS = 96
SETTLE_MS = 20_000
"""So long the overview gathers its lines."""


def take(browser: Browser, console: Shown, folder: Path) -> int:
    """Write every picture; how many bytes they have."""
    size = 0
    for name, ways in PICTURES.items():
        for way, width, height, scheme in ways:
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            page = context.new_page()
            answer = page.goto(console.url + console.pages()[name])
            if answer is None or answer.status != 200:
                raise SystemExit(f"{name} does not answer: {answer and answer.status}")
            page.wait_for_timeout(SETTLE_MS if name == "overview" else 1_000)
            path = folder / f"{name}-{way}.png"
            path.write_bytes(_small(page.screenshot()))
            size += path.stat().st_size
            print(f"{path}: {path.stat().st_size // 1024} KiB")
            context.close()
    return size


def _small(png: bytes) -> bytes:
    picture = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> int:
    """Run the demo, take the pictures; 1 without a browser."""
    parser = argparse.ArgumentParser(prog="python -m infra.screenshots", description=__doc__)
    parser.add_argument("--lines", type=int, default=3_000, help="of the demo (3000)")
    parser.add_argument("--to", type=Path, default=FOLDER, metavar="DIR", help=f"({FOLDER})")
    given = parser.parse_args()
    try:
        executable()
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    given.to.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="stockfold-") as folder,
        shown(given.lines, Path(folder)) as console,
        chromium() as browser,
    ):
        print(f"{take(browser, console, given.to) // 1024} KiB in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
