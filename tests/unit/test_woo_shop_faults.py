"""The faults that the demo shop can be told to have, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests.support.woo_shop import Fault, Shop, ShopServer

BASIC = {"auth": ("ck_test", "cs_test"), "headers": {"x-forwarded-proto": "https"}}


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        server.shop.add_products(["A", "B"])
        yield server


def write(server: ShopServer, quantity: int, timeout_s: float = 5.0) -> httpx.Response:
    update = [
        {"id": product.id, "manage_stock": True, "stock_quantity": quantity}
        for product in server.shop.catalogue.products.values()
    ]
    url = server.url + "/wp-json/wc/v3/products/batch"
    return httpx.post(url, json={"update": update}, timeout=timeout_s, **BASIC)


def test_an_error_does_nothing_and_passes(server: ShopServer) -> None:
    server.shop.faults.queue.append(Fault("error", times=2, status=500))
    for _ in range(2):
        response = write(server, 4)
        assert (response.status_code, response.json()["code"]) == (500, "internal_server_error")
    assert server.shop.stock() == {"A": 0, "B": 0}
    assert write(server, 4).status_code == 200
    assert server.shop.stock() == {"A": 4, "B": 4}


@pytest.mark.parametrize("status", [200, 403, 502, 508])
def test_a_page_of_html_comes_instead_of_json(server: ShopServer, status: int) -> None:
    server.shop.faults.queue.append(Fault("html", status=status))
    response = write(server, 4)
    assert response.status_code == status
    assert response.text.startswith("<!DOCTYPE html>")
    assert server.shop.stock() == {"A": 0, "B": 0}


def test_too_many_requests_name_the_time_to_wait(server: ShopServer) -> None:
    server.shop.faults.queue.append(Fault("limited", retry_after_s=7))
    response = write(server, 4)
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")


def test_a_lost_answer_leaves_everything_applied(server: ShopServer) -> None:
    server.shop.faults.queue.append(Fault("lost", delay_s=5))
    with pytest.raises(httpx.ReadTimeout):
        write(server, 4, timeout_s=0.2)
    assert server.shop.stock() == {"A": 4, "B": 4}


def test_half_a_batch_leaves_a_prefix_applied(server: ShopServer) -> None:
    server.shop.faults.queue.append(Fault("half", status=502))
    assert write(server, 4).status_code == 502
    assert server.shop.stock() == {"A": 4, "B": 0}


def test_a_dropped_connection_does_nothing(server: ShopServer) -> None:
    server.shop.faults.queue.append(Fault("dropped"))
    with pytest.raises(httpx.RemoteProtocolError):
        write(server, 4)
    assert server.shop.stock() == {"A": 0, "B": 0}


def test_a_fault_meets_only_the_requests_it_is_meant_for(server: ShopServer) -> None:
    server.shop.faults.queue.append(Fault("error", method="GET"))
    assert write(server, 4).status_code == 200
    url = server.url + "/wp-json/wc/v3/products"
    assert httpx.get(url, **BASIC).status_code == 503
    assert httpx.get(url, **BASIC).status_code == 200


def test_a_demo_sets_the_shop_up_and_reads_it_out_without_a_key(server: ShopServer) -> None:
    control = server.url + "/_shop/"
    added = httpx.post(control + "products", json={"skus": ["A", "C"], "quantity": 2})
    assert added.json() == {"added": 1}
    assert httpx.post(control + "products", json={"count": 3, "prefix": "N-"}).json()["added"] == 3
    httpx.post(control + "products", json={"parent": "P", "skus": ["V"]})
    httpx.post(control + "faults", json={"kind": "error", "status": 500})
    assert write(server, 1).status_code == 500
    stock = httpx.get(control + "stock").json()
    assert stock == {"A": 0, "B": 0, "C": 2, "N-1": 0, "N-2": 0, "N-3": 0, "P": None, "V": 0}
    assert httpx.get(control + "stats").json()["faults"]["error"] == 1
