"""The command ``stockfold`` in this process, on the environment of a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from stockfold.domain.errors import StockfoldError
from stockfold.runtime.settings import Settings
from stockfold_services.cli.main import app


def variables(settings: Settings) -> dict[str, str]:
    """The environment variables that give a process these settings."""
    given = {
        "STOCKFOLD_ENVIRONMENT__PREFIX": settings.prefix,
        "STOCKFOLD_ENVIRONMENT__DATA_DIR": str(settings.environment.data_dir),
        "STOCKFOLD_KAFKA__BOOTSTRAP": settings.kafka.bootstrap or "",
        "STOCKFOLD_KAFKA__SKU_PARTITIONS": str(settings.kafka.sku_partitions),
        "STOCKFOLD_KAFKA__ORDER_PARTITIONS": str(settings.kafka.order_partitions),
    }
    if settings.postgres.dsn is not None:
        given["STOCKFOLD_POSTGRES__DSN"] = settings.postgres.dsn.resolve()
    return given


def stockfold(settings: Settings, *arguments: str, exit_code: int = 0) -> str:
    """What the command prints on standard output; its errors are raised."""
    done = CliRunner().invoke(app, arguments, env=variables(settings))
    if isinstance(done.exception, StockfoldError):
        raise done.exception
    assert done.exit_code == exit_code, (done.output, done.exception)
    return done.stdout


def stockfold_json(settings: Settings, *arguments: str, exit_code: int = 0) -> Any:
    """The same with ``--json``, decoded."""
    return json.loads(stockfold(settings, *arguments, "--json", exit_code=exit_code))


def woo_settings(folder: Path, url: str, more: str = "") -> str:
    """The path of settings with the channel ``woo`` at a shop; ``more`` follows in its section."""
    path = folder / "stockfold.toml"
    path.write_text(
        f"""
[[channels]]
name = "woo"
kind = "woocommerce"
url = "{url}"
consumer_key = "ck_test"
consumer_secret = "cs_test"
{more}
"""
    )
    return str(path)
