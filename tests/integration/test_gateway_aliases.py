"""What a source calls a SKU is resolved where its events come in, on a real Kafka."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command_line import stockfold, stockfold_json
from tests.support.gateway import NOW, STRUCTURED, event, gateway
from tests.support.kafka_io import committed, wait_for

from stockfold.contracts.topics import ADJUSTMENTS, RECEIPTS
from stockfold.domain.times import SECOND_US, format_us
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

NAMES = """
items: [{sku: SKU-A, base_unit: piece, name: A}]
aliases: [{scope: /erp/main, kind: sku, code: '4711', target: SKU-A}]
"""


def test_an_alias_of_the_source_is_the_sku_and_of_no_other_source(
    environment: Settings, tmp_path: Path
) -> None:
    names = tmp_path / "names.yaml"
    names.write_text(NAMES, "utf-8")
    with gateway(environment) as client:
        stockfold(environment, "catalog", "import", str(names), "--yes")

        def post(source: str) -> str:
            told = event("4711", id=f"{source}-{SYSTEM_CLOCK.now_us()}", source=source)
            answer = client.post("/v1/events", json=told, headers={"content-type": STRUCTURED})
            return str(answer.json().get("sku"))

        assert wait_for("the alias", lambda: post("/erp/main") == "SKU-A")
        assert post("/erp/other") == "4711"
        file = client.post(
            "/v1/files",
            content=b"sku,location,quantity\n4711,DC,9\n",
            params={"type": "GoodsReceived", "source": "/erp/main", "time": NOW},
            headers={"content-type": "text/csv", "idempotency-key": "f"},
        )
        assert file.json()["accepted"] == 1
    nine = [read for read in committed(environment, RECEIPTS) if read.record["quantity"] == 9]
    assert [(read.key, read.record["sku"]) for read in nine] == [(b"SKU-A", "SKU-A")]


def test_import_resolves_aliases_and_finds_a_sku_under_two_names(
    environment: Settings, tmp_path: Path
) -> None:
    names, file = tmp_path / "names.yaml", tmp_path / "balances.csv"
    names.write_text(NAMES, "utf-8")
    file.write_text("sku,location,quantity\n4711,DC,5\nSKU-A,DC,6\nB,DC,7\n", "utf-8")
    stockfold(environment, "catalog", "import", str(names), "--yes")
    as_of = format_us(SYSTEM_CLOCK.now_us() - 60 * SECOND_US)
    command = ("import", str(file), "--as-of", as_of, "--source", "/erp/main", "--yes")
    told = stockfold_json(environment, *command, exit_code=1)
    assert [(bad["row"], bad["field"]) for bad in told["bad_rows"]] == [(2, "sku")]
    sent = committed(environment, ADJUSTMENTS)
    assert {read.record["sku"]: read.record["counted"] for read in sent} == {"SKU-A": 5, "B": 7}
