"""Any order of deliveries, drops and repeats, plus the sweep, ends at the shop's own state."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.woo_orders import TERMS
from tests.support.woo_shop import Shop
from tests.support.woo_talk import ask, converse, sweep_all

from stockfold.channels.orders import ChannelOrder, OrderStatus
from stockfold.channels.woocommerce.orders import Gone, read_body
from stockfold.channels.woocommerce.sweeps import OrderSweep, look_up, not_shown
from stockfold.channels.woocommerce.webhooks import TOPICS

START_S = 1_795_600_800
SECOND_US = 1_000_000
OVERLAP_S = 120
STATUSES = ("pending", "on-hold", "processing", "completed", "cancelled", "failed", "refunded")
ORDERS = st.integers(1, 4)
UNITS = st.integers(0, 3)
DEEDS = st.one_of(
    st.tuples(st.just("place"), st.sampled_from(STATUSES), UNITS),
    st.tuples(st.just("status"), ORDERS, st.sampled_from((*STATUSES, "awaiting-pick"))),
    st.tuples(st.just("edit"), ORDERS, UNITS),
    st.tuples(st.just("refund"), ORDERS, st.booleans()),
    st.tuples(st.just("trash"), ORDERS),
    st.tuples(st.just("restore"), ORDERS),
    st.tuples(st.just("delete"), ORDERS),
    st.tuples(st.just("wait"), st.integers(1, 90)),
    st.tuples(st.just("deliver")),
    st.tuples(st.just("disable"), st.integers(1, len(TOPICS))),
    st.tuples(st.just("sweep")),
)


class Reader:
    """What an orders service keeps: of each order the newest revision, whatever came when."""

    def __init__(self) -> None:
        self.newest: dict[str, ChannelOrder] = {}

    def take(self, order: ChannelOrder) -> None:
        known = self.newest.get(order.order)
        if known is None or order.revision > known.revision:
            self.newest[order.order] = order


class World:
    """A shop, its webhooks on the way, and whoever reads them."""

    def __init__(self) -> None:
        self.now_s = START_S
        self.shop = Shop(now_s=lambda: self.now_s)
        self.shop.add_products(["A"], 1_000)
        for topic in TOPICS:
            self.shop.webhooks.add({"topic": topic, "delivery_url": "", "secret": "hush"})
        self.shop.webhooks.pings.clear()
        self.bodies: list[bytes] = []
        self.reader = Reader()
        self.after_us = START_S * SECOND_US

    def do(self, deed: tuple[Any, ...]) -> None:
        orders, now_us = self.shop.orders, self.shop.now_us()
        match deed:
            case ("place", status, units):
                product = self.shop.catalogue.ids_of_sku["A"][0]
                orders.place({product: units}, status, now_us)
            case ("wait", seconds):
                self.now_s += seconds
            case ("deliver",):
                self.shop.webhooks.deliver(lambda told: self.bodies.append(told.body) or 200)
            case ("disable", hook):
                self.shop.webhooks.hooks[hook].status = "disabled"
            case ("sweep",):
                self.sweep()
            case (_, order, *_) if order not in orders.orders:
                pass
            case ("status", order, status) if orders.orders[order].status != "trash":
                orders.set_status(order, status, now_us)
            case ("edit", order, units):
                line = next(iter(orders.orders[order].lines), None)
                if line is not None:
                    orders.edit(order, {line.id: units}, now_us)
            case ("refund", order, restock):
                lines = {line.id: 1 for line in orders.orders[order].lines}
                orders.refund(order, lines, now_us, restock=restock)
            case ("trash", order):
                orders.trash(order, now_us)
            case ("restore", order):
                orders.restore(order, now_us)
            case ("delete", order):
                orders.delete(order)

    def read(self, body: bytes) -> None:
        """What the gateway and the sweeper make of a webhook."""
        told = read_body(body, TERMS)
        if isinstance(told, ChannelOrder):
            self.reader.take(told)
        elif isinstance(told, Gone):
            self.reader.take(converse(self.shop, look_up(told.order, TERMS)))

    def sweep(self) -> None:
        reading = OrderSweep(TERMS, self.after_us, per_page=2)
        for order in sweep_all(self.shop, reading):
            self.reader.take(order)
        self.after_us = max(self.after_us, reading.latest_us - OVERLAP_S * SECOND_US)

    def reconcile(self) -> None:
        """What is open here and not shown there is looked up."""
        for order in converse(self.shop, not_shown(list(self.reader.newest))):
            self.reader.take(converse(self.shop, look_up(order, TERMS)))

    def expected(self, order_id: int) -> ChannelOrder:
        """The order as the shop has it, its refunds included."""
        return converse(self.shop, look_up(str(order_id), TERMS))


def content(order: ChannelOrder) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(order, revision=0))


@settings(max_examples=300, deadline=None)
@given(deeds=st.lists(DEEDS, max_size=40), data=st.data())
def test_readings_converge_to_the_shops_final_state(
    deeds: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    world = World()
    for deed in deeds:
        world.do(deed)
        if world.bodies and data.draw(st.booleans(), label="reads"):
            world.read(data.draw(st.sampled_from(world.bodies), label="any, again or late"))
    for body in data.draw(st.permutations(world.bodies), label="the rest"):
        if data.draw(st.booleans(), label="arrives"):
            world.read(body)
    world.now_s += OVERLAP_S
    world.sweep()
    for order_id in world.shop.orders.orders:
        found = world.reader.newest[str(order_id)]
        assert content(found) == content(world.expected(order_id))
    world.reconcile()
    for order, found in world.reader.newest.items():
        if int(order) not in world.shop.orders.orders:
            assert found.status is OrderStatus.DELETED


def test_a_deletion_replayed_after_the_order_was_restored_changes_nothing() -> None:
    world = World()
    world.do(("place", "processing", 2))
    world.now_s += 5
    world.do(("trash", 1))
    world.do(("deliver",))
    world.now_s += 5
    world.do(("restore", 1))
    world.do(("deliver",))
    for body in world.bodies:
        world.read(body)
    world.read(b'{"id":1}')
    assert world.reader.newest["1"].status is OrderStatus.PROCESSING


def test_the_shop_answers_as_it_would_over_http() -> None:
    world = World()
    world.do(("place", "processing", 1))
    reading = OrderSweep(TERMS, world.after_us)
    assert reading.request is not None
    assert ask(world.shop, reading.request).headers["date"] == "Wed, 25 Nov 2026 10:00:00 GMT"
