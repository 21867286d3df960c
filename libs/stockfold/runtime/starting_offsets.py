"""Where a processor reads on in a partition that it was assigned."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from stockfold.contracts.topics import Topic
from stockfold.domain.errors import DefectError

log = logging.getLogger(__name__)


def next_offset(
    topic: Topic,
    partition: int,
    starts: Mapping[str, int] | None,
    group_offset: int,
    earliest: int,
) -> int:
    """The log's own mark rules; the group's offset only where none is.

    ``starts`` are marks by topic, None of a processor without any; a negative ``group_offset`` is
    none; ``earliest`` is the first that retention has kept. DefectError when it has not kept all.
    """
    if starts is not None:
        start = starts.get(topic.name, 0)
        if 0 <= group_offset != start and start:
            log.warning(
                "%s partition %d: the journal covers inputs to %d, the group says %d; "
                "the journal rules",
                topic.name,
                partition,
                start,
                group_offset,
            )
        if start == 0:
            start = earliest
    else:
        start = group_offset if group_offset >= 0 else earliest
    if start < earliest:
        raise DefectError(
            f"inputs from {start} to {earliest} were deleted before they were read",
            where=f"{topic.name} partition {partition}",
            remedy="Restore them, or accept the loss by resetting the mark.",
        )
    return start
