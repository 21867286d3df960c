"""What the settings say about deciding orders."""

from __future__ import annotations

import msgspec


class Rules(msgspec.Struct, frozen=True):
    """Seconds, and how often; ``floor_ships`` are the channels whose shipments the floor tells."""

    answer_s: int = 60
    attempts_max: int = 4
    retry_s: float = 2.0
    hold_s: int = 3_600
    case_owner: str = "stock-desk"
    floor_ships: frozenset[str] = frozenset()
