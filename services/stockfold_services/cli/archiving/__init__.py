"""The topics outside of Kafka, and back again.

What is archived is what nothing else can be rebuilt from: inputs, catalogue, reference data,
policies, the journal, exceptions and what was done about them, the audit, what was told to channels
and what they answered. Positions and reservation statuses are left out: the journal tells them.

Inputs, catalogue and journal are restored with the offsets they had, so that marks, causes and
snapshots, which name offsets, stay true without a byte of the journal being changed.
"""

from stockfold.contracts.topics import (
    CATALOG,
    COMPONENT_AVAILABILITY,
    INPUTS,
    JOURNAL,
    KIT_COMPONENTS,
    POSITIONS,
    RESERVATION_STATUS,
    TOPICS,
)

REBUILT = (POSITIONS, RESERVATION_STATUS, KIT_COMPONENTS, COMPONENT_AVAILABILITY)
"""What a restore makes from the journal, or availability from the catalogue and positions."""
ARCHIVED = tuple(topic for topic in TOPICS if topic not in REBUILT)
SAME_OFFSETS = (*INPUTS, CATALOG, JOURNAL)
"""What is restored with the offsets it had."""
