"""One partition's kits, and one partition's components: what each knows of the other.

Folded from three topics: the catalogue's bills, the kits' requests, the components' answers. A
component keeps its last answer as a copy of its own, so that its version goes on over restarts; a
kit keeps there the bills that are in force.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from stockfold.availability.answer import Visible
from stockfold.availability.kits import NOTHING, Parts
from stockfold.contracts.partitioner import refuse_misrouted
from stockfold.contracts.topics import COMPONENT_AVAILABILITY, KIT_COMPONENTS, Topic
from stockfold.domain.bills import Bill, Tree, bill_of, grow
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import CatalogItem
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold_services.availability.kits.records import (
    Answered,
    Told,
    pair_of,
    read_answer,
    read_request,
)
from stockfold_services.availability.records import Cause

log = logging.getLogger(__name__)


class Kit:
    """A SKU that is, or was, made of others.

    ``bill`` is what the catalogue says, ``tree`` what is in force: they differ while the components
    are being asked, and when the bill is ``refused``. ``answers`` are what its parts last told it.
    ``asked`` are the parts whose last request is to be told: an answer alone does not prove that,
    it may have been under way when the part was asked no more. ``place`` is the catalogue's record:
    partition and offset.
    """

    __slots__ = ("answers", "asked", "bill", "cause", "place", "refused", "sku", "tree")

    def __init__(self, sku: str) -> None:
        self.sku = sku
        self.bill: Bill | None = None
        self.tree: Tree | None = None
        self.answers: dict[str, Told] = {}
        self.asked: set[str] = set()
        self.refused = ""
        self.place = (0, 0)
        self.cause = Cause()

    @property
    def bills(self) -> tuple[Bill, ...]:
        """What it says it is made of: what is in force, else what is to be.

        A first bill that closes a circle is told as well, so that all who are in it notice; one
        that is refused for any other reason is not.
        """
        if self.tree is not None:
            return self.tree.bills
        is_fit = not self.refused or self.refused.startswith("cyclic_bill")
        return (self.bill,) if self.bill is not None and is_fit else ()

    @property
    def has_ended(self) -> bool:
        """Whether it is a kit no more."""
        return self.bill is None and self.tree is None

    def parts(self, tree: Tree, channel: str) -> Parts | None:
        """What the channel may promise of each part; None while one has not told it yet."""
        visible: dict[str, Visible] = {}
        answers = self.answers
        for sku in tree.parts:
            told = answers.get(sku)
            if told is None:
                return None
            found = told.visible.get(channel) if told.held else NOTHING
            if found is None:
                return None
            visible[sku] = found
        return Parts(visible, self._version_of)

    def _version_of(self, sku: str) -> int:
        return self.answers[sku].version


class KitMemory:
    """What one partition holds of kits and components.

    ``kits`` by SKU; ``needed_by`` are the kits that asked for a component; ``told`` is what a SKU
    of this partition last told. ``due`` are kits whose parts are to be looked through, ``dirty``
    SKUs that may have something new to tell, ``owed`` the kits that wait for a first answer.
    """

    def __init__(self, number: int, partitions: int) -> None:
        self.number = number
        self._partitions = partitions
        self.kits: dict[str, Kit] = {}
        self.needed_by: dict[str, dict[str, None]] = {}
        self.told: dict[str, Told] = {}
        self.due: dict[str, None] = {}
        self.dirty: dict[str, Cause] = {}
        self.owed: dict[str, dict[str, None]] = {}
        self._newest: dict[str, Told] = {}
        """What a component last told any kit of ours: kits share it, most have parts in common."""
        self._requests_to = 0
        """Requests before this offset are in memory already, and so are all newer ones of theirs:
        folding them again would bring back for a moment what is over."""

    @property
    def is_due(self) -> bool:
        """Whether there is work that no record asks for any more."""
        return bool(self.due or self.dirty)

    def recover(self, reader: PartitionReader) -> None:
        """Fold what kits and components of the partition told each other, to the topics' ends."""
        self._read(reader, KIT_COMPONENTS, self._fold_request)
        self._read(reader, COMPONENT_AVAILABILITY, self._fold_answer)

    def _read(
        self, reader: PartitionReader, topic: Topic, fold: Callable[[Record], object]
    ) -> None:
        """Others write to these topics all the time, so their end is where it was when asked."""
        end = reader.settled_end(topic, self.number)
        for batch in reader.read(topic, self.number, end=end):
            for record in batch:
                try:
                    fold(record)
                except ContractError as error:
                    # It was an exception when it came; here it is only passed over again.
                    log.warning("%s/%d/%d: %s", topic.name, self.number, record.offset(), error)

    def put_in_force(self) -> Iterable[Kit]:
        """End the recovery: what was in force is so again, and every kit is due."""
        for sku, told in self.told.items():
            if told.in_force:
                bills = {bill.sku: bill for bill in told.bills}
                self._kit(sku).tree = grow(sku, bills)
            if told.asked or sku in self.kits:
                kit = self._kit(sku)
                kit.refused, kit.asked = told.refused, set(told.asked)
        self.due.update(dict.fromkeys(self.kits))
        return self.kits.values()

    def _kit(self, sku: str) -> Kit:
        kit = self.kits.get(sku)
        if kit is None:
            kit = self.kits[sku] = Kit(sku)
        return kit

    # --- the catalogue ------------------------------------------------------------------------

    def take_item(self, sku: str, item: CatalogItem | None, record: Record) -> Kit | None:
        """Take a record of the catalogue; the kit that it is about, if any. ContractError."""
        bill = None if item is None else self._bill_of(item)
        if bill is None and sku not in self.kits:
            return None
        kit = self._kit(sku)
        kit.bill = bill
        kit.place = (record.partition(), record.offset())
        at_us = record.timestamp()[1] * 1000
        kit.cause = Cause(at_us, "", at_us)
        self.due[sku] = None
        return kit

    def _bill_of(self, item: CatalogItem) -> Bill | None:
        """What a SKU is made of; nothing when it is no longer sold."""
        bill = bill_of(item)
        if bill is not None:
            refuse_misrouted(item.sku, self.number, self._partitions)
        return bill

    # --- requests -----------------------------------------------------------------------------

    def take_request(self, record: Record) -> None:
        """Take a kit's request; as long as it stands it is owed an answer. ContractError."""
        kit, component = self._fold_request(record)
        if kit in self.needed_by.get(component, ()):
            self.owed.setdefault(component, {})[kit] = None

    def _fold_request(self, record: Record) -> tuple[str, str]:
        if record.value() is not None:
            kit, component = read_request(record.value())
        else:
            kit, component = pair_of(record.key())
        if record.offset() < self._requests_to:
            return kit, component
        self._requests_to = record.offset() + 1
        kits = self.needed_by.setdefault(component, {})
        if record.value() is not None:
            kits[kit] = None
        else:
            kits.pop(kit, None)
            self.owed.get(component, {}).pop(kit, None)
            if not kits:
                del self.needed_by[component]
        return kit, component

    # --- answers ------------------------------------------------------------------------------

    def take_answer(self, record: Record) -> Kit | None:
        """Take what a component tells a kit; the kit, or None when that changes nothing.

        A version that is known, or older, changes nothing. ContractError.
        """
        if record.value() is None:
            return None  # Written by the kit itself, whose memory knows.
        answer = read_answer(record.value())
        if not answer.kit:
            return None
        kit = self._kit(answer.kit)
        known = kit.answers.get(answer.component)
        if known is not None and answer.told.version <= known.version:
            return None
        kit.answers[answer.component] = self._shared(answer)
        kit.cause = answer.cause
        if known is None or known.bills != answer.told.bills:
            self.due[answer.kit] = None
        return kit

    def _shared(self, answer: Answered) -> Told:
        known = self._newest.get(answer.component)
        if known == answer.told:
            return known
        self._newest[answer.component] = answer.told
        return answer.told

    def _fold_answer(self, record: Record) -> None:
        if record.value() is None:
            component, kit = pair_of(record.key())
            if kit in self.kits:
                self.kits[kit].answers.pop(component, None)
            return
        answer = read_answer(record.value())
        if answer.kit:
            self._kit(answer.kit).answers[answer.component] = self._shared(answer)
        else:
            self.told[answer.component] = answer.told
