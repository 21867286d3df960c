"""Reading requests strictly: what the published schemas do not have is refused."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from stockfold.channels.walmart.fake.answers import RefusedError

T = TypeVar("T")
_PART = re.compile(
    rb'^Content-Disposition: form-data; name="file"; filename="[^"]+"\r\n'
    rb"Content-Type: application/json\r\n\r\n(.*)$",
    re.DOTALL,
)


class Each(msgspec.Struct, forbid_unknown_fields=True):
    """``InputQty``: both are required, EACH is the one unit."""

    unit: str
    amount: int

    def __post_init__(self) -> None:
        if self.unit != "EACH":
            raise ValueError("unit is not EACH")
        if self.amount < 0:
            raise ValueError("amount is below 0")


class One(msgspec.Struct, forbid_unknown_fields=True):
    """``Inventory``."""

    sku: str
    quantity: Each


class Node(msgspec.Struct, forbid_unknown_fields=True):
    """``UpdateInventoriesRequestNodeDTO``."""

    shipNode: str  # noqa: N815 - the vendor's name
    inputQty: Each  # noqa: N815


class Nodes(msgspec.Struct, forbid_unknown_fields=True):
    """``UpdateInventoriesRequestDTO``."""

    nodes: list[Node]


class Inventories(msgspec.Struct, forbid_unknown_fields=True):
    """``MultiNodeInventoryUpdateRequestDTO``."""

    inventories: Nodes


class Header(msgspec.Struct, forbid_unknown_fields=True):
    """The header of both kinds of feeds."""

    version: str


class SingleFeed(msgspec.Struct, forbid_unknown_fields=True):
    """Spec 1.4, one ship node."""

    InventoryHeader: Header
    Inventory: list[One]


class FeedNode(msgspec.Struct, forbid_unknown_fields=True):
    """One node of an item of a feed."""

    shipNode: str  # noqa: N815
    quantity: Each


class FeedItem(msgspec.Struct, forbid_unknown_fields=True):
    """One item of a feed over several nodes."""

    sku: str
    shipNodes: list[FeedNode]  # noqa: N815


class NodeFeed(msgspec.Struct, forbid_unknown_fields=True):
    """Spec 1.5, several ship nodes, which are mandatory."""

    inventoryHeader: Header  # noqa: N815
    inventory: list[FeedItem]


def strictly(body: bytes, shape: type[T]) -> T:
    """A body as that; RefusedError otherwise."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as wrong:
        raise RefusedError(
            400, "INVALID_REQUEST_CONTENT.GMP_INVENTORY_API", str(wrong), "data"
        ) from wrong


def file_of(body: bytes, content_type: str) -> bytes:
    """The one file of a form; RefusedError for any other body."""
    found = re.fullmatch(
        r"multipart/form-data; boundary=([0-9A-Za-z'()+_,./:=?-]{1,70})", content_type
    )
    if found is None:
        raise RefusedError(415, "UNSUPPORTED_MEDIA_TYPE.GMP_GATEWAY_API", "no multipart form")
    boundary = b"--" + found.group(1).encode()
    parts = body.split(boundary)
    inner = parts[1] if len(parts) == 3 else b""
    if parts[0] or parts[-1] != b"--\r\n" or not (inner[:2] == inner[-2:] == b"\r\n"):
        raise RefusedError(400, "MALFORMED_REQUEST_CONTENT.GMP_GATEWAY_API", "no form of one file")
    part = _PART.match(inner[2:-2])
    if part is None:
        raise RefusedError(400, "INVALID_REQUEST_CONTENT.GMP_GATEWAY_API", "no file", "file")
    return part.group(1)
