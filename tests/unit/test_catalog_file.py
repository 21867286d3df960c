"""Reference data as people write it: checked whole, with the line of everything that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stockfold.domain.bills import NESTING_MAX
from stockfold.domain.errors import SettingsError
from stockfold.domain.reference import (
    Alias,
    Authority,
    BillOfMaterials,
    CatalogItem,
    Component,
    Location,
    Record,
    UnitOfMeasure,
)
from stockfold_services.cli.catalogue import importing
from stockfold_services.cli.catalogue.exporting import export
from stockfold_services.cli.catalogue.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    folder = tmp_path / "store"
    folder.mkdir()
    with Store(folder) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def planned(store: Store, file: Path, text: str, *, full: bool = False) -> list[Record]:
    """What importing the text would publish."""
    file.write_text(text, "utf-8")
    importing.stage_file(store, file)
    importing.plan(store, file, full=full)
    return [change.new for change in store.planned()]


def refusal(store: Store, file: Path, text: str, *, full: bool = False) -> str:
    with pytest.raises(SettingsError) as caught:
        planned(store, file, text, full=full)
    assert caught.value.where == str(file)
    assert caught.value.remedy
    return caught.value.what


BOX = BillOfMaterials("2", (Component("BEANS", 2), Component("CUP", 1)))


def test_a_csv_of_items_is_read_as_it_says(store: Store, folder: Path) -> None:
    text = """\
sku,name,category,base_unit,units,active,bill_of_materials,bill_version
BEANS,Espresso,food,each,case=24; gram=1/250,yes,,
BOX,,,each,,no,BEANS*2; CUP,2
CUP,"Cup, white",,,,,,
"""
    assert planned(store, folder / "items.csv", text) == [
        CatalogItem(
            "BEANS",
            1,
            "Espresso",
            "food",
            units=(UnitOfMeasure("case", 24), UnitOfMeasure("gram", 1, 250)),
        ),
        CatalogItem("BOX", 1, active=False, bill_of_materials=BOX),
        CatalogItem("CUP", 1, "Cup, white"),
    ]


@pytest.mark.parametrize("sign", [";", "\t"])
def test_the_sign_between_columns_is_told_by_the_header(
    store: Store, folder: Path, sign: str
) -> None:
    text = f"\ufeffsku{sign}name\r\nCUP{sign}Tasse, weiß\r\n"
    assert planned(store, folder / "items.csv", text) == [CatalogItem("CUP", 1, "Tasse, weiß")]


def test_ndjson_may_mix_every_kind_of_record(store: Store, folder: Path) -> None:
    text = """\
{"sku": "CUP"}
{"location": "DC", "zone": "Europe/Berlin", "tags": ["cold"]}

{"source": "/erp", "locations": ["DC"], "types": ["GoodsReceived"], "role": "secondary"}
{"scope": "/erp", "kind": "sku", "code": "4711", "target": "CUP"}
"""
    assert planned(store, folder / "all.ndjson", text) == [
        CatalogItem("CUP", 1),
        Location("DC", 1, "Europe/Berlin", ("cold",)),
        Authority("/erp", "/erp", 1, ("DC",), ("GoodsReceived",), "secondary"),
        Alias("/erp", "sku", "4711", "CUP", 1),
    ]


def test_yaml_has_a_list_of_each_kind(store: Store, folder: Path) -> None:
    text = """\
items:
  - {sku: BEANS, units: {case: 24}}
  - {sku: CUP}
  - sku: BOX
    bill_of_materials: {version: 2, components: [{sku: BEANS, quantity: 2}, CUP]}
authorities:
  - {source: /wms, authority: wms-receipts, types: [GoodsReceived]}
"""
    assert planned(store, folder / "all.yaml", text) == [
        CatalogItem("BEANS", 1, units=(UnitOfMeasure("case", 24),)),
        CatalogItem("BOX", 1, bill_of_materials=BOX),
        CatalogItem("CUP", 1),
        Authority("wms-receipts", "/wms", 1, None, ("GoodsReceived",)),
    ]


WRONG_ROWS = {
    "sku,units\nA,case=0": "line 2: units: '0' is not a whole number from 1 to 10^12",
    "sku,units\nA,case": "line 2: units: 'case' is not a unit such as case=24",
    "sku,units\nA,case=2;case=3": "line 2: units: unit case is given twice",
    "sku,active\nA,maybe": "line 2: active: 'maybe' is neither true nor false",
    "sku,colour\nA,red": "line 2: colour: there is no such field",
    "sku,name\nA": "line 2: has 1 cells, the header 2",
    "sku,name\nA,B\n,C": "line 3: sku: is missing",
    "sku,bill_of_materials\nA,B*0": "line 2: bill_of_materials: '0' is not a whole number",
    "sku,bill_of_materials\nA,B;B": "line 2: bill_of_materials: component B is given twice",
    "location,zone\nDC,Mars": "line 2: zone: 'Mars' is not an IANA time zone",
    "location,tags\nA|B,": "line 2: location: 'A|B' holds |",
    "source,types\n/erp,GoodsEaten": "line 2: types: there is no event type GoodsEaten",
    "source,role\n/erp,boss": "line 2: role: 'boss' is not one of primary, secondary",
    "scope,kind,code,target\n/erp,colour,1,2": "line 2: kind: 'colour' is not one of sku",
    "colour\nred": "line 2: its fields tell no kind of record",
    'sku,name\nA,"open': "line 2: is no CSV",
}


@pytest.mark.parametrize("text", WRONG_ROWS)
def test_a_wrong_row_is_refused_with_its_line_and_reason(
    store: Store, folder: Path, text: str
) -> None:
    assert WRONG_ROWS[text] in refusal(store, folder / "file.csv", text + "\n")


def test_everything_that_is_wrong_is_told_at_once(store: Store, folder: Path) -> None:
    told = refusal(store, folder / "file.csv", "sku,active\nA,maybe\nB,yes\nC,perhaps\n")
    assert told.startswith("line 2: ")
    assert "; line 4: " in told


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("file.csv", "", "it is empty"),
        ("file.csv", "sku,sku\n", "column sku is there twice"),
        ("file.csv", "sku\n", "the file has no records"),
        ("file.pdf", "sku\n", "its name ends in none of .csv"),
        ("file.yaml", "items: [", "it is no YAML"),
        ("file.yaml", "a: &a [x]\nitems: *a", "aliases"),
        ("file.ndjson", "{]\n", "line 1: is no JSON object"),
        ("file.yaml", "things:\n  - {}\n", "line 1: things is no list of items"),
        ("file.yaml", "items:\n  - {sku: A, sku: B}\n", "line 2: sku is said twice"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    store: Store, folder: Path, name: str, text: str, why: str
) -> None:
    assert why in refusal(store, folder / name, text)


def test_a_file_that_is_not_there_is_refused(store: Store, folder: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        importing.stage_file(store, folder / "none.csv")


# --- ambiguity ----------------------------------------------------------------------------------


def test_the_same_sku_twice_with_different_content_is_refused(store: Store, folder: Path) -> None:
    told = refusal(store, folder / "file.csv", "sku,name\nA,one\nB,\nA,two\n")
    assert told == "line 4: SKU A is in line 2 with different content"


def test_the_same_row_twice_is_one(store: Store, folder: Path) -> None:
    rows = planned(store, folder / "file.csv", "sku,name\nA,one\nA,one\n")
    assert rows == [CatalogItem("A", 1, "one")]


ALIASES = "scope,kind,code,target\n"


def test_one_code_with_two_targets_is_refused(store: Store, folder: Path) -> None:
    store.put_current(CatalogItem("A", 1))
    store.put_current(CatalogItem("B", 1))
    text = ALIASES + "/erp,sku,1,A\n/shop,sku,1,B\n/erp,sku,1,B\n"
    told = refusal(store, folder / "file.csv", text)
    assert told == "line 4: sku 1 of /erp is ambiguous: A in line 2, B here"


def test_an_alias_of_what_is_not_there_is_refused(store: Store, folder: Path) -> None:
    told = refusal(store, folder / "file.csv", ALIASES + "/erp,location,W01,DC\n")
    assert told == "line 2: location W01 of /erp: DC is no location"


def test_a_code_that_is_a_name_of_ours_already_is_refused(store: Store, folder: Path) -> None:
    store.put_current(Location("DC", 1))
    store.put_current(Location("W01", 1))
    told = refusal(store, folder / "file.csv", ALIASES + "/erp,location,W01,DC\n")
    assert "is ambiguous: W01 is a location itself" in told


def test_a_new_sku_that_is_a_code_of_a_source_already_is_refused(
    store: Store, folder: Path
) -> None:
    store.put_current(CatalogItem("A", 1))
    store.put_current(Alias("/erp", "sku", "B", "A", 1))
    assert "sku B of /erp is ambiguous" in refusal(store, folder / "file.csv", "sku\nB\n")


# --- bills of materials -------------------------------------------------------------------------


def test_a_kit_that_would_be_made_of_itself_is_refused_with_the_path(
    store: Store, folder: Path
) -> None:
    store.put_current(
        CatalogItem("B", 1, bill_of_materials=BillOfMaterials("1", (Component("C", 1),)))
    )
    text = "sku,bill_of_materials\nA,B\nC,A\n"
    told = refusal(store, folder / "file.csv", text)
    assert told == "line 2: SKU A would be made of itself: A → B → C → A"


def test_a_component_that_is_no_sku_is_refused(store: Store, folder: Path) -> None:
    told = refusal(store, folder / "file.csv", "sku,bill_of_materials\nA,X*2\n")
    assert told == "line 2: SKU A: component X is no SKU"


def test_a_kit_that_would_be_too_deep_is_refused_at_the_line_that_makes_it_so(
    store: Store, folder: Path
) -> None:
    for level in range(NESTING_MAX):
        made_of = BillOfMaterials("1", (Component(f"K{level + 1}", 1),))
        store.put_current(CatalogItem(f"K{level}", 1, bill_of_materials=made_of))
    text = f"sku,bill_of_materials\nX,\nK{NESTING_MAX},X\n"
    told = refusal(store, folder / "file.csv", text)
    assert told == "line 3: SKU K0 has 11 levels of components, at most 10 are counted"


def test_a_kit_that_would_need_absurdly_many_units_is_refused(store: Store, folder: Path) -> None:
    text = "sku,bill_of_materials\nX,\nA,B*1000000\nB,X*1000001\n"
    told = refusal(store, folder / "file.csv", text)
    assert told == "line 3: SKU A needs more than 10^12 units of X"


# --- what changes -------------------------------------------------------------------------------


def test_revisions_rise_only_when_something_changes(store: Store, folder: Path) -> None:
    store.put_current(CatalogItem("A", 3, "one"))
    store.put_current(CatalogItem("B", 5, "two"))
    changed = planned(store, folder / "file.csv", "sku,name\nA,one\nB,new\nC,\n")
    assert changed == [CatalogItem("B", 6, "new"), CatalogItem("C", 1)]
    assert store.counts == {"added": 1, "changed": 1, "deactivated": 0, "unchanged": 1}


def test_delta_leaves_what_is_not_given_as_it_is(store: Store, folder: Path) -> None:
    store.put_current(CatalogItem("A", 1, "one", "food", active=False))
    store.put_current(CatalogItem("B", 1))
    changed = planned(store, folder / "file.csv", "sku,name\nA,two\n")
    assert changed == [CatalogItem("A", 2, "two", "food", active=False)]


def test_full_gives_what_is_not_given_its_default_and_makes_what_is_missing_inactive(
    store: Store, folder: Path
) -> None:
    store.put_current(CatalogItem("A", 1, "one", "food"))
    store.put_current(CatalogItem("B", 1))
    store.put_current(CatalogItem("C", 7, active=False))
    changed = planned(store, folder / "file.csv", "sku,name\nA,one\n", full=True)
    assert changed == [CatalogItem("A", 2, "one"), CatalogItem("B", 2, active=False)]


def test_full_says_nothing_about_kinds_that_the_file_has_none_of(
    store: Store, folder: Path
) -> None:
    store.put_current(Location("DC", 1))
    assert planned(store, folder / "file.csv", "sku\nA\n", full=True) == [CatalogItem("A", 1)]


def test_an_empty_cell_takes_away_what_may_be_empty(store: Store, folder: Path) -> None:
    store.put_current(CatalogItem("A", 1, "one", units=(UnitOfMeasure("case", 24),)))
    changed = planned(store, folder / "file.csv", "sku,units,base_unit\nA,,\n")
    assert changed == [CatalogItem("A", 2, "one")]


def test_the_base_unit_of_a_sku_never_changes(store: Store, folder: Path) -> None:
    store.put_current(CatalogItem("A", 1))
    told = refusal(store, folder / "file.csv", "sku,base_unit\nA,case\n")
    assert told.startswith("line 2: SKU A: the base unit each cannot become case")


def test_a_snapshot_driven_location_needs_a_limit(store: Store, folder: Path) -> None:
    told = refusal(store, folder / "file.csv", "location,snapshot_driven\nDC,yes\n")
    assert told == "line 2: location DC: snapshot_driven needs a snapshot_limit"


def test_a_misspelt_location_of_an_authority_is_told_with_the_nearest(
    store: Store, folder: Path
) -> None:
    store.put_current(Location("DC-BERLIN", 1))
    told = refusal(store, folder / "file.csv", "source,locations\n/wms,DC-BERLN\n")
    assert told.endswith("location DC-BERLN is not known; did you mean DC-BERLIN?")


def test_the_preview_tells_old_and_new(store: Store, folder: Path) -> None:
    store.put_current(CatalogItem("A", 1, "one", units=(UnitOfMeasure("case", 24),)))
    planned(store, folder / "file.csv", "sku,name,units\nA,two,case=12\n")
    (told,) = importing.preview(store)
    assert (told["action"], told["revision"], told["line"]) == ("changed", 2, 2)
    assert told["changes"] == ["name one → two", "units case=24 → case=12"]


@pytest.mark.parametrize(("name", "kind"), [("out.ndjson", None), ("out.csv", "item")])
def test_an_export_imported_again_changes_nothing(
    store: Store, folder: Path, name: str, kind: str | None
) -> None:
    store.put_current(CatalogItem("BEANS", 4, "Beans", units=(UnitOfMeasure("gram", 1, 250),)))
    store.put_current(CatalogItem("CUP", 2, active=False))
    store.put_current(CatalogItem("BOX", 1, bill_of_materials=BOX))
    assert export(store, folder / name, kind) == 3
    importing.stage_file(store, folder / name)
    importing.plan(store, folder / name, full=True)
    assert list(store.planned()) == []


def test_a_csv_holds_one_kind_of_record(store: Store, folder: Path) -> None:
    with pytest.raises(SettingsError, match="CSV of one kind"):
        export(store, folder / "out.csv", None)
