"""A folder and an object store alike: files appear whole or not at all."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold_services.cli.place import Place


@pytest.fixture(params=["folder", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place of each kind."""
    kind: str = request.param
    return Place(str(tmp_path / "p") if kind == "folder" else f"memory://{uuid.uuid4().hex}")


def test_what_is_written_is_read_replaced_and_removed(place: Place) -> None:
    assert place.read("a/b.seg") is None
    place.write("a/b.seg", b"one")
    place.write("a/b.seg", b"two")
    assert place.read("a/b.seg") == b"two"
    assert (place.exists("a"), place.exists("b")) == (True, False)
    place.remove("a/b.seg")
    place.remove("a/b.seg")
    assert place.read("a/b.seg") is None


def test_a_new_file_is_made_once_and_is_found_in_its_folder(place: Place) -> None:
    assert place.names("a") == []
    assert place.write_new("a/b.json", b"one")
    assert not place.write_new("a/b.json", b"two")
    assert (place.read("a/b.json"), place.names("a")) == (b"one", ["b.json"])


def test_a_disk_without_links_has_new_files_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    place = Place(str(tmp_path))
    assert (place.write_new("b", b"one"), place.write_new("b", b"two")) == (True, False)
    assert (place.read("b"), place.names("")) == (b"one", ["b"])


def test_a_file_whose_writing_failed_is_not_there_and_the_old_one_stays(place: Place) -> None:
    def cut_off(name: str) -> None:
        with place.create(name) as file:
            file.write(b"half")
            raise RuntimeError("the process died")

    place.write("old", b"whole")
    for name in ("old", "new"):
        with pytest.raises(RuntimeError, match="died"):
            cut_off(name)
    assert (place.read("old"), place.read("new")) == (b"whole", None)


def test_a_place_that_cannot_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nothing can be written there"):
        Place("nosuchstore://bucket/archive")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UnavailableError, match="did not answer"):
        Place(str(tmp_path / "file")).write("a/b", b"x")
