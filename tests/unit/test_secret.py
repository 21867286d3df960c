"""Secrets by reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockfold.domain.errors import SettingsError
from stockfold.runtime.secret import SecretRef


def test_a_secret_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "ck_1")
    assert SecretRef("env:SHOP_KEY").resolve() == "ck_1"


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_KEY", raising=False)
    with pytest.raises(SettingsError, match="SHOP_KEY is not set"):
        SecretRef("env:SHOP_KEY").resolve()


def test_a_secret_is_read_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("cs_1\n", "utf-8")
    assert SecretRef(f"file:{tmp_path}/key").resolve() == "cs_1"


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"])
def test_a_file_without_a_secret_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(SettingsError, match="key"):
        SecretRef(f"file:{tmp_path}/key").resolve()


def test_a_plain_secret_shows_in_no_text() -> None:
    secret = SecretRef("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {secret.reference}"
    assert secret.resolve() == "hunter2"
