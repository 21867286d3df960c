"""Draws the life cycles into ``infra/docs/lifecycles.md``: ``python -m infra.docs.lifecycles``.

A test holds the page and the tables together.
"""

from __future__ import annotations

from pathlib import Path

from stockfold.ledger.lifecycles import LIFE_CYCLES, MEANINGS, NONE

PATH = Path(__file__).with_name("lifecycles.md")
_HEAD = """# Life cycles

What a SKU remembers moves through these states. An arrow names the facts of the journal that move
an entity along it; a fact may also leave an entity as it is. Nothing is refused because of a state
here, except reservation commands: what happened on the floor happened, in whatever order it is
told, so a state such as `received_early` is waiting for news, not an error.

The diagrams are drawn from `libs/stockfold/ledger/lifecycles.py` by `make docs`.
"""


def _diagram(name: str) -> str:
    lines = ["```mermaid", "stateDiagram-v2"]
    for source, target, kinds in LIFE_CYCLES[name]:
        start = "[*]" if source == NONE else source
        lines.append(f"    {start} --> {target} : {'<br/>'.join(kinds)}")
    return "\n".join([*lines, "```"])


def _meanings(name: str) -> str:
    rows = [f"| `{state}` | {meaning} |" for state, meaning in MEANINGS[name].items()]
    return "\n".join(["| state | meaning |", "|---|---|", *rows])


def render() -> str:
    """The page as it must be."""
    parts = [
        f"## {name.capitalize()}\n\n{_diagram(name)}\n\n{_meanings(name)}\n" for name in LIFE_CYCLES
    ]
    return "\n".join([_HEAD, *parts])


def main() -> None:
    """Write the page."""
    PATH.write_text(render(), "utf-8")


if __name__ == "__main__":
    main()
