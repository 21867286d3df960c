"""Which ship node shows how many units.

Walmart's number is the seller's input: it includes what is sold there and not yet shipped, and
Walmart takes that off itself (``availToSellQty = inputQty - reservedQty``). So the policy's basis
is gross, and units that the channel has sold unseen are not taken away here.
"""

from __future__ import annotations

from collections.abc import Mapping

from stockfold.channels.port import Shown, StockUpdate


class Nodes:
    """The ship nodes of one channel.

    Without any, stock is kept at the seller's default node. ``names`` are (our location, ship
    node).
    """

    def __init__(self, names: Mapping[str, str], undivided: str) -> None:
        self._names = dict(names)
        self.all = tuple(sorted(self._names.values()))
        self._undivided = self.all[0] if len(self.all) == 1 else undivided

    def to_show(self, update: StockUpdate) -> Shown:
        """What goes out. Units at locations that are no ship node cannot be shown."""
        wanted = update.quantity if update.restored is None else update.restored.quantity
        quantity = max(wanted, 0)
        if not self.all:
            return Shown(quantity)
        told = update.restored is None and bool(update.locations)
        if told and quantity:
            units = {self._names[at]: n for at, n in update.locations if at in self._names}
        else:
            units = {self._undivided: quantity}
        shares = tuple((node, max(units.get(node, 0), 0)) for node in self.all)
        whole = sum(n for _, n in shares) if told else quantity
        return Shown(whole, locations=shares)

    def can_show(self, shown: Shown) -> bool:
        """False of a quantity without a breakdown where nobody has said which node has it."""
        return sum(units for _, units in shown.locations) == shown.quantity or not self.all
