"""Draws the life cycle of orders into ``infra/docs/order-lifecycle.md``.

``python -m infra.docs.order_lifecycle``. A test holds the page and the table together.
"""

from __future__ import annotations

from pathlib import Path

from stockfold.orders.lifecycle import LIFE_CYCLE, MEANINGS, NEW

PATH = Path(__file__).with_name("order-lifecycle.md")
_HEAD = """# The life cycle of an order

An order moves through these states; an arrow names why. Drawn from
`libs/stockfold/orders/lifecycle.py` by `make docs`. What each state means for stock, and how to
follow an order: [orders](orders.md).
"""


def render() -> str:
    """The page as it must be."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {NEW}"]
    lines += [
        f"    {source} --> {target} : {', '.join(reasons)}"
        for source, target, reasons in LIFE_CYCLE
    ]
    rows = [f"| `{state}` | {meaning} |" for state, meaning in MEANINGS.items()]
    return "\n".join([_HEAD, *lines, "```", "", "| state | meaning |", "|---|---|", *rows, ""])


def main() -> None:
    """Write the page."""
    PATH.write_text(render(), "utf-8")


if __name__ == "__main__":
    main()
