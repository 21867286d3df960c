"""Names and files that a stranger chose lead nowhere else, and do not unpack to more."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import cramjam
import pytest
from tests.support.command_line import stockfold

from stockfold.domain.errors import StockfoldError
from stockfold.orders.sink import Document
from stockfold.runtime.order_sinks import FileSink
from stockfold.runtime.problems import Problem
from stockfold.runtime.settings import Settings
from stockfold_services.cli.archiving import segments
from stockfold_services.cli.archiving.manifest import Entry, read_segment, write_segment
from stockfold_services.cli.archiving.segments import Segment
from stockfold_services.cli.place import Place
from stockfold_services.gateway.lines import lines

NAMES = [
    "..",
    ".",
    "...",
    "../../etc",
    "/etc/passwd",
    "a\\b",
    "x\x00y",
    "a" * 600,
    "ü" * 300,
    "%2e%2e",
]
ELSEWHERE = [
    "../../../etc/passwd",
    "/etc/passwd",
    "stockfold.journal.v1/../../secret.seg",
    "../stockfold.journal.v1/00000/00000000000000000000-00000000000000000009.seg",
    "stockfold..v1/00000/00000000000000000000-00000000000000000009.seg",
    "stockfold.journal.v1/00000/00000000000000000000-00000000000000000009.seg\n",
    "http://169.254.169.254/latest/meta-data",
]


def document(channel: str, order: str) -> Document:
    return Document(channel, order, 1, 1, "L-1", "confirmed", "processing", [])


@pytest.mark.parametrize("name", NAMES)
def test_an_order_of_any_name_is_a_file_below_the_folder_of_its_erp(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "erp"
    sink = FileSink(folder)
    for channel, order in ((name, "1"), ("web", name), (name, name)):
        sink.create(document(channel, order))
        found = sink.find(channel, order)
        assert found is not None
        assert Path(found.id).resolve().is_relative_to(folder.resolve())
    assert [path.name for path in tmp_path.iterdir()] == ["erp"]
    assert len(list(folder.rglob("*.json"))) == 3


def test_orders_with_long_names_that_begin_alike_are_two_files(tmp_path: Path) -> None:
    sink = FileSink(tmp_path)
    for end in "xy":
        sink.create(document("web", "a" * 600 + end))
    assert len(list(tmp_path.rglob("*.json"))) == 2


@pytest.mark.parametrize("file", ELSEWHERE)
def test_a_manifest_that_leads_out_of_its_archive_is_refused_before_anything_is_read(
    tmp_path: Path, file: str
) -> None:
    entry = Entry(file, 0, 9, 1, 1, "0" * 64, 0)
    with pytest.raises(StockfoldError, match="names a file that no archive has"):
        read_segment(Place(str(tmp_path)), entry)


def test_a_segment_that_unpacks_to_more_than_any_release_writes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "UNPACKED_BYTES_MAX", 1024 * 1024)
    bomb = bytes(cramjam.zstd.compress(bytes(64 * 1024 * 1024)))
    assert len(bomb) < 16 * 1024
    with pytest.raises(StockfoldError, match="unpacks to more than"):
        segments.unpack(bomb, segments.checksum(bomb), "here")
    place = Place(str(tmp_path))
    whole = Segment(1, "stockfold.journal.v1", 0, 0, 10, [])
    assert read_segment(place, write_segment(place, whole)) == whole


def zip_bomb() -> bytes:
    """Ten megabytes of zeros, under a name that leads elsewhere, in ten kilobytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("../../../../etc/cron.d/receipts.csv", bytes(10_000_000))
    return out.getvalue()


PACKED = {
    "zip": zip_bomb(),
    "gzip": bytes(cramjam.gzip.compress(b"sku,quantity\n" * 1000)),
    "zstd": bytes(cramjam.zstd.compress(b"sku,quantity\n" * 1000)),
    "bzip2": bytes(cramjam.bzip2.compress(b"sku,quantity\n" * 1000)),
    "xz": bytes(cramjam.xz.compress(b"sku,quantity\n" * 1000)),
}


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("chunk", [1, 65_536])
async def test_a_packed_file_is_refused_by_name_and_never_unpacked(kind: str, chunk: int) -> None:
    raw = PACKED[kind]

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(raw), chunk):
            yield raw[start : start + chunk]

    with pytest.raises(Problem) as refused:
        async for _ in lines(parts()):
            pass
    assert (refused.value.status, refused.value.title) == (415, "Packed file not taken")


async def test_a_file_that_only_mentions_such_bytes_is_read() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"sku,note\nA,PK\x03\x04\n"

    assert [line async for line in lines(parts())] == ["sku,note", "A,PK\x03\x04"]


@pytest.mark.parametrize(
    "name", ["../../../../etc/passwd", "/etc/passwd", "..", "x/../unknown-sku"]
)
@pytest.mark.parametrize("command", [("schemas", "show"), ("runbook",)], ids=" ".join)
def test_what_is_shown_by_name_is_looked_up_and_no_path(
    command: tuple[str, ...], name: str
) -> None:
    with pytest.raises(StockfoldError, match="there is no"):
        stockfold(Settings(), *command, name)
