"""An independent model of what every event does to every number.

Written from the text of the semantics and its rulings alone, simple rather than fast, as the
oracle that the ledger is compared with. It imports nothing of the ledger, reads no clock and
keeps everything for ever. "Ruling n" in a comment names the ruling that a line stands on; "lead"
marks an interpretation that was agreed where the text leaves room; "choice" one made here.
"""

from __future__ import annotations

from .model import Model, Models

__all__ = ["Model", "Models"]
