"""What a comparison finds of each SKU, location and account."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from stockfold.reconcile.book import Moved


class Kind(StrEnum):
    """Why both sides say what they say."""

    AGREES = "agrees"
    LATE = "late"
    NOT_HERE_YET = "not_here_yet"
    TIMING = "timing"
    IN_COUNT_WINDOW = "in_count_window"
    UNIT_OF_MEASURE = "unit_of_measure"
    MAPPING_UNKNOWN = "mapping_unknown"
    UNIT_UNKNOWN = "unit_unknown"
    BAD_ROW = "bad_row"
    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    UNEXPLAINED = "unexplained"


MEANING = {
    Kind.AGREES: "Both sides say the same.",
    Kind.LATE: "They agree with what was known here then; the rest was told here afterwards.",
    Kind.NOT_HERE_YET: "They have booked a movement that has not come here yet.",
    Kind.TIMING: "A movement around the time is booked on its other side there.",
    Kind.IN_COUNT_WINDOW: "A count around or after the time corrected this figure.",
    Kind.UNIT_OF_MEASURE: "The figures are equal in another unit of the SKU.",
    Kind.MAPPING_UNKNOWN: "The SKU, location or status is not known here by that name.",
    Kind.UNIT_UNKNOWN: "The unit cannot be converted exactly.",
    Kind.BAD_ROW: "The row cannot be read.",
    Kind.MISSING_HERE: "They have it, and nothing was ever told of it here.",
    Kind.MISSING_THERE: "The file does not list it, which is not the same as zero.",
    Kind.UNEXPLAINED: "Nothing that is known here explains it.",
}


class Finding(msgspec.Struct, frozen=True):
    """Both sides of one place of a SKU, in base units."""

    sku: str
    location: str
    account: str
    kind: Kind
    ours: int
    """As the time is known now."""
    then: int
    """As it was known at the time."""
    theirs: int | None
    """None where the file has no figure that can be compared."""
    why: str = ""
    remedy: str = ""
    movements: tuple[Moved, ...] = ()
    """What moved around the time and would explain it, in order."""
    row: int = 0
    """The first row of the file that says so; 0 where none does."""
    counted_since: bool = False
    """A count of it that was true after the time stands: no older figure replaces it."""

    @property
    def difference(self) -> int | None:
        """What would have to be added here for both sides to agree."""
        return None if self.theirs is None else self.theirs - self.ours
