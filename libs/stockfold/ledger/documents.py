"""The same movement told twice: by the ERP and by the 3PL, or exported again (ruling 20).

Matched by (event type, document, document line) of the receipt or delivery note. The first that is
told folds; the others corroborate it, and never fold twice.
"""

from __future__ import annotations

from stockfold.ledger.entities import Change
from stockfold.ledger.facts import Fact, Input, Refused
from stockfold.ledger.state import SkuState

DocumentKey = tuple[str, str, str]


def document_of(given: Input) -> DocumentKey | None:
    """The key of the document line that the input stands on, or None."""
    document, line = given.body.get("document"), given.body.get("document_line")
    if document is None or line is None:
        return None
    return given.type, document, line


def _units(given: Input) -> int:
    units: int = given.body["delta"] if "delta" in given.body else given.body["quantity"]
    return units


def corroborate(state: SkuState, given: Input, key: DocumentKey) -> Fact | None:
    """The fact that the movement was told again, or None when it is told for the first time."""
    told = state.documents.get(key)
    if told is None:
        return None
    if told != _units(given):
        raise Refused(
            "document_differs",
            f"{given.type} of document {key[1]} line {key[2]} was told with {told} units, now "
            f"with {_units(given)}",
            "The first stands. Find out which is right, and send an adjustment if it is this one.",
        )
    return Fact("Corroborated", [], Change(note={"document": key[1], "document_line": key[2]}))


def note_document(fact: Fact, given: Input, key: DocumentKey) -> None:
    """Let a fact remember the document line it was told by."""
    if fact.change is None:
        fact.change = Change()
    fact.change.document = (*key, _units(given))
