"""What sources call our SKUs, for whoever takes their events in: a SKU is the key of its events."""

from __future__ import annotations

import logging

from stockfold.contracts.reference import decode_reference, reference_key
from stockfold.contracts.topics import REFERENCE
from stockfold.domain.aliases import AliasBook
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import Alias
from stockfold.runtime.followed import FollowedTopic
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)


class SkuNames:
    """The aliases of kind ``sku`` in force."""

    def __init__(self) -> None:
        self._book = AliasBook()

    def resolve(self, source: str, code: str) -> str:
        """Our SKU for what the source calls it; the code itself when it has no alias for it."""
        return self._book.resolve("sku", source, code)

    def apply(self, record: Record) -> None:
        """Take a record of the topic. One that cannot be read leaves the one before in force."""
        if record.value() is None:
            kind, *name = reference_key(record.key())
            if kind == "alias":
                self._book.withdraw(name[0], name[1], name[2])
            return
        try:
            known = decode_reference(record.value(), record.key())
        except ContractError as error:
            log.error(  # noqa: TRY400  (the sentence says it all; there is no defect to trace)
                "%s, offset %d: %s", REFERENCE.name, record.offset(), error
            )
            return
        if isinstance(known, Alias):
            self._book.put(known)


def follow_sku_names(settings: Settings, section: str, names: SkuNames) -> FollowedTopic:
    """Keep the names as the topic has them, while the context is open."""
    return FollowedTopic(settings, REFERENCE, f"{section}.aliases", names.apply)


def read_sku_names(settings: Settings) -> SkuNames:
    """The names as they are now; UnavailableError when Kafka does not answer."""
    names = SkuNames()
    for batch in PartitionReader(settings).read(REFERENCE, 0):
        for record in batch:
            names.apply(record)
    return names
