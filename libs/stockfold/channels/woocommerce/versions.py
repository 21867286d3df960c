"""What a WooCommerce shop runs on."""

from __future__ import annotations

from stockfold.channels.versions import Part
from stockfold.channels.woocommerce import checkup
from stockfold.channels.woocommerce.asking import ROOT, Conversation

API = ROOT.removeprefix("/wp-json/").rstrip("/")
"""The version of the REST API that we speak; WooCommerce names no end of it."""


def versions() -> Conversation[tuple[Part, ...]]:
    """Ask for them. NotServedError, also where the key's user is no manager of the shop."""
    told = yield from checkup.system()
    found = (
        Part("woocommerce", told.woocommerce),
        Part("wordpress", told.wordpress),
        Part("php", told.php),
        Part("api", API),
    )
    return tuple(part for part in found if part.version)
