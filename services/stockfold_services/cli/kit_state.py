"""A SKU, and when it is a kit all of its parts, as the journal and the catalogue have them."""

from __future__ import annotations

import msgspec

from stockfold.domain.bills import Tree
from stockfold.domain.errors import ContractError, SettingsError
from stockfold.ledger.outlook import Outlook, outlook_of
from stockfold.ledger.state import SkuState
from stockfold.runtime.bills import BillBook
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.settings import Settings
from stockfold.runtime.sku_fold import states_of


class KitState(msgspec.Struct, frozen=True):
    """A SKU's state, its tree when it is a kit, and the outlooks of it and of its parts."""

    state: SkuState
    tree: Tree | None
    outlooks: dict[str, Outlook]


def kit_state(settings: Settings, sku: str) -> KitState:
    """A SKU by journal and catalogue; SettingsError when neither knows it, or its bill is unfit."""
    with kafka_errors(
        "the journal and the catalogue were not read",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, and that `stockfold topics apply` has made every topic.",
    ):
        try:
            tree = BillBook(settings).tree_of(sku)
        except ContractError as error:
            raise SettingsError(error.what, where="the catalogue", remedy=error.remedy) from None
        states = states_of(settings, [sku, *(() if tree is None else tree.parts)])
    state = states[sku]
    if not state.seq and tree is None:
        raise SettingsError(
            f"the journal knows no SKU {sku!r}",
            where=f"environment prefix {settings.prefix!r}",
            remedy="Check the spelling; a renamed SKU is a new one.",
        )
    return KitState(state, tree, {name: outlook_of(found) for name, found in states.items()})
