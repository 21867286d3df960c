"""Rows of an ERP's file as figures: whose SKU, at which location, on which account, how many."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from stockfold.domain.errors import ContractError
from stockfold.ledger.accounts import BACKORDERED, NAMES
from stockfold.reconcile.statement import UNPLACED, Row, Unread

FIELDS = ("sku", "location", "account", "quantity", "unit")
_OTHERWISE = {"bucket": "account"}
"""What `stockfold import` calls a field."""
_BY_NAME = NAMES[:BACKORDERED]
"""Accounts whose columns need no mapping; a column called customer mostly is no account."""
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}(\.0+)?")
Convert = Callable[[str, str, int], int]
"""(SKU, unit, quantity) in base units; ContractError."""


class Names(msgspec.Struct, frozen=True):
    """How the file is read: what it calls things, and what it leaves out.

    ``mapping`` is column → field, or → account for a file with a column for each account.
    ``accounts`` is the file's word → account, in capitals or not.
    """

    mapping: Mapping[str, str]
    accounts: Mapping[str, str]
    location: str = ""
    account: str = "on_hand"


class ErpRows:
    """Reads the rows of one header. ContractError ``bad_mapping`` for one that will not do."""

    def __init__(
        self,
        header: Sequence[str],
        names: Names,
        *,
        sku_of: Callable[[str], str],
        location_of: Callable[[str], str],
        convert: Convert,
    ) -> None:
        self._names = names
        self._sku_of, self._location_of, self._convert = sku_of, location_of, convert
        columns = [name.strip() for name in header]
        self._width = len(columns)
        self._places, self._wide = _places(columns, names.mapping)
        self._accounts = {word.lower(): account for word, account in names.accounts.items()}
        used = {*self._places.values(), *self._wide.values()}
        self.ignored = [name for at, name in enumerate(columns) if at not in used]
        _check(columns, self._places, self._wide, names)

    def read(self, rows: Iterable[Sequence[str]]) -> Iterator[list[Row | Unread]]:
        """The figures of each row, or why it has none."""
        for number, row in enumerate(rows, 1):
            yield self._read(number, row)

    def _read(self, number: int, row: Sequence[str]) -> list[Row | Unread]:
        if len(row) != self._width:
            what = f"it has {len(row)} cells, the header {self._width}"
            return [_bad(number, "", what, "Write a cell for every column.")]
        code = self._cell(row, "sku")
        named = self._cell(row, "location") or self._names.location
        if not code:
            return [_bad(number, named, "it names no SKU", "Name one in every row.")]
        sku, location = self._sku_of(code), self._location_of(named)
        if self._wide:
            told = [
                (account, row[at].strip()) for account, at in self._wide.items() if row[at].strip()
            ]
            return [self._figure(number, sku, location, *one, row) for one in told]
        word = self._cell(row, "account") or self._names.account
        account = self._accounts.get(word.lower(), word.lower())
        if account not in NAMES:
            return [
                Unread(
                    number,
                    sku,
                    (location, word),
                    f"there is no account {word!r}",
                    f"Say what it is: --account {word}=on_hand, or another one.",
                    "mapping_unknown",
                    told=self._cell(row, "quantity"),
                    units=_number(self._cell(row, "quantity")) or 0,
                )
            ]
        return [self._figure(number, sku, location, account, self._cell(row, "quantity"), row)]

    def _figure(
        self,
        number: int,
        sku: str,
        location: str,
        account: str,
        text: str,
        row: Sequence[str],
    ) -> Row | Unread:
        quantity, unit = _number(text), self._cell(row, "unit")
        place = (location, account)
        if quantity is None:
            what = f"{text[:40]!r} is no whole number" if text else "it has no quantity"
            return Unread(number, sku, place, what, "Write whole units.", "bad_row")
        found = Row(number, sku, location, account, quantity)
        if not location and account not in UNPLACED:
            what, remedy = "it names no location", "Name one, or give --location."
            return Unread(number, sku, place, what, remedy, "bad_row", units=quantity)
        if not unit:
            return found
        try:
            return msgspec.structs.replace(found, units=self._convert(sku, unit, quantity))
        except ContractError as error:
            told = f"{quantity} {unit}"
            return Unread(
                number, sku, found.place, error.what, error.remedy, "unit_unknown", told, quantity
            )

    def _cell(self, row: Sequence[str], field: str) -> str:
        at = self._places.get(field)
        return row[at].strip() if at is not None else ""


def _bad(number: int, location: str, what: str, remedy: str) -> Unread:
    return Unread(number, "", (location, ""), what, remedy, "bad_row")


def _number(text: str) -> int | None:
    """A whole number, also as programs write one: 12.0."""
    return int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else None


def _places(
    columns: Sequence[str], mapping: Mapping[str, str]
) -> tuple[dict[str, int], dict[str, int]]:
    """The column of each field, and of each account where accounts have columns."""
    places: dict[str, int] = {}
    wide: dict[str, int] = {}
    for column, told in mapping.items():
        field = _OTHERWISE.get(told, told)
        if column not in columns or field not in (*FIELDS, *NAMES):
            raise ContractError(
                "bad_mapping",
                f"{column}={told} is of no column or no field",
                remedy=f"There are {', '.join(columns)[:300]}; and {', '.join((*FIELDS, *NAMES))}.",
            )
        (wide if field in NAMES else places)[field] = columns.index(column)
    taken = {*places.values(), *wide.values()}
    free = {
        _OTHERWISE.get(column.lower(), column.lower()): at
        for at, column in enumerate(columns)
        if at not in taken
    }
    places |= {name: at for name, at in free.items() if name in FIELDS and name not in places}
    if "quantity" not in places:
        wide |= {name: at for name, at in free.items() if name in _BY_NAME and name not in wide}
    return places, wide


def _check(
    columns: Sequence[str], places: Mapping[str, int], wide: Mapping[str, int], names: Names
) -> None:
    missing = []
    if "sku" not in places:
        missing.append("sku")
    if "location" not in places and not names.location:
        missing.append("location (or --location)")
    if not wide and "quantity" not in places:
        missing.append("quantity (or a column for each account)")
    if missing:
        raise ContractError(
            "bad_mapping",
            f"no column is {', '.join(missing)}; there are {', '.join(columns)[:300]}",
            remedy="Say which column it is: -m column=field.",
        )
    if wide and ("quantity" in places or "account" in places):
        raise ContractError(
            "bad_mapping",
            f"{', '.join(wide)} are columns of accounts, and there is a quantity or account too",
            remedy="Map either a column for each account, or account and quantity.",
        )
    unknown = sorted(set(names.accounts.values()) - set(NAMES))
    if unknown:
        raise ContractError(
            "bad_mapping",
            f"there is no account {unknown[0]!r}",
            remedy=f"There are {', '.join(NAMES)}.",
        )
