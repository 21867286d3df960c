"""The digest of a memory that is being folded, at the cost of the SKUs that change."""

from __future__ import annotations

from collections.abc import Iterable

from stockfold.contracts.frames import SnapshotError
from stockfold.contracts.snapshots import Head
from stockfold.ledger.digest import MODULUS, digest
from stockfold.runtime.partition_memory import Partition
from stockfold.runtime.records import Record


class RollingDigest:
    """A digest is a sum, so a SKU's part is taken out before it changes and put in afterwards."""

    def __init__(self) -> None:
        self._total = 0
        self._open: set[str] = set()
        """SKUs whose part is taken out."""

    def begin(self, memory: Partition, head: Head | None, *, proven: bool) -> None:
        """Begin with what a snapshot has filled. Unless its digest is ``proven``, prove it.

        SnapshotError when its rows have another digest than it says.
        """
        self._open.clear()
        self._total = int(head.digest, 16) if head is not None else 0
        if head is not None and not proven:
            found = digest(memory.skus.values())
            if found != head.digest:
                raise SnapshotError(f"its rows have the digest {found}, it says {head.digest}")

    def before(self, memory: Partition, batch: Iterable[Record]) -> None:
        """Call it before the batch is folded."""
        for record in batch:
            key = record.key()
            if key is not None and (sku := key.decode()) not in self._open:
                self._open.add(sku)
                state = memory.skus.get(sku)
                if state is not None:
                    self._total = (self._total - int(digest((state,)), 16)) % MODULUS

    def value(self, memory: Partition) -> str:
        """The digest of what has been folded."""
        changed = digest(memory.skus[sku] for sku in self._open)
        self._total = (self._total + int(changed, 16)) % MODULUS
        self._open.clear()
        return f"{self._total:032x}"
