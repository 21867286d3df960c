"""How the shop's own orders move stock: one test for each fact."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.support.woo_subject import Subject


async def change(woo: Subject, placed: dict[str, Any], status: str) -> dict[str, Any]:
    return await woo.put(f"orders/{placed['id']}", status=status)


def reduced(shown: dict[str, Any]) -> list[str]:
    meta = shown["line_items"][0]["meta_data"]
    return [str(entry["value"]) for entry in meta if entry["key"] == "_reduced_stock"]


async def test_pending_leaves_stock_alone(woo: Subject) -> None:
    product = await woo.simple(10)
    assert reduced(await woo.order(product, 3, "pending")) == []
    assert await woo.quantity(product) == 10


@pytest.mark.parametrize("status", ["on-hold", "processing", "completed"])
async def test_an_accepted_order_reduces_stock_and_says_so_at_its_line(
    woo: Subject, status: str
) -> None:
    product = await woo.simple(10)
    placed = await woo.order(product, 3, status)
    assert await woo.quantity(product) == 7
    assert reduced((await woo.get(f"orders/{placed['id']}")).json) == ["3"]


async def test_stock_is_reduced_once_however_the_order_moves_on(woo: Subject) -> None:
    product = await woo.simple(10)
    placed = await woo.order(product, 3, "on-hold")
    for status in ("processing", "completed"):
        await change(woo, placed, status)
    assert await woo.quantity(product) == 7


@pytest.mark.parametrize("status", ["cancelled", "pending"])
async def test_cancelled_and_back_to_pending_restore_what_was_taken(
    woo: Subject, status: str
) -> None:
    product = await woo.simple(10)
    placed = await woo.order(product, 3, "processing")
    await change(woo, placed, status)
    assert await woo.quantity(product) == 10
    assert reduced((await woo.get(f"orders/{placed['id']}")).json) == []


@pytest.mark.parametrize("status", ["failed", "refunded"])
async def test_failed_and_refunded_by_status_alone_leave_stock_reduced(
    woo: Subject, status: str
) -> None:
    product = await woo.simple(10)
    await change(woo, await woo.order(product, 3, "processing"), status)
    assert await woo.quantity(product) == 7


async def test_an_order_may_drive_stock_negative(woo: Subject) -> None:
    product = await woo.simple(2)
    await woo.order(product, 5, "processing")
    assert await woo.quantity(product) == -3


async def test_the_shops_own_reductions_are_exact_when_they_overlap(woo: Subject) -> None:
    product = await woo.simple(100)
    await asyncio.gather(*(woo.order(product, 2, "processing") for _ in range(10)))
    assert await woo.quantity(product) == 80


async def test_an_order_of_an_unmanaged_product_leaves_no_trace(woo: Subject) -> None:
    product = await woo.simple(None)
    assert reduced(await woo.order(product, 3, "processing")) == []
    assert await woo.quantity(product) is None


@pytest.mark.parametrize(("restock", "left"), [(False, 7), (True, 9)])
async def test_refunded_units_come_back_only_on_request(
    woo: Subject, restock: bool, left: int
) -> None:
    product = await woo.simple(10)
    placed = await woo.order(product, 3, "processing")
    line = {"id": placed["line_items"][0]["id"], "quantity": 2, "refund_total": 20}
    body = {"amount": "20", "api_refund": False, "api_restock": restock, "line_items": [line]}
    told = await woo.ask("POST", f"orders/{placed['id']}/refunds", body)
    assert told.status == 201, told
    assert await woo.quantity(product) == left
