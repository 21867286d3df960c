"""Runbooks of channels: what they refuse, how they stand, and what alerts say of the machinery."""

from __future__ import annotations

from stockfold.contracts.runbooks.kinds import Runbook

CHANNELS: tuple[Runbook, ...] = (
    Runbook(
        "delivery-rejected",
        "The shop refuses a listing's stock",
        "shop team",
        "Mend the product in the shop, then `stockfold exceptions resubmit PLACE --dry-run`",
        {
            "exception": ("delivery_rejected",),
            "delivery": ("rejected", "not_applied", "metadata_not_kept", "shows_less"),
            "listing": ("refused",),
        },
    ),
    Runbook(
        "delivery-gave-up",
        "The shop failed on a listing for a quarter of an hour",
        "engineer",
        "`stockfold channel check NAME`, then `stockfold exceptions resubmit PLACE --dry-run`",
        {"exception": ("delivery_gave_up",), "delivery": ("gave_up",)},
    ),
    Runbook(
        "listing-not-mapped",
        "A SKU has no product in the shop that can hold its stock",
        "shop team",
        "Give one product the SKU, or `stockfold channel waive NAME SKU --reason WHY --dry-run`",
        {
            "delivery": (
                "unmapped",
                "sku_unknown",
                "sku_ambiguous",
                "type_without_stock",
                "stock_of_parent",
                "stock_of_variations",
            ),
            "listing": ("unmapped", "duplicate_sku", "not_managed"),
            "check": (
                "sku_unknown",
                "sku_ambiguous",
                "type_without_stock",
                "stock_of_parent",
                "stock_of_variations",
            ),
        },
    ),
    Runbook(
        "listing-drift",
        "The shop shows another quantity than was written",
        "shop team",
        "`stockfold reconcile channel NAME --repair --dry-run`",
        {"listing": ("drift", "manual_edit")},
    ),
    Runbook(
        "listing-stuck",
        "A listing waits for more than an hour",
        "engineer",
        "`stockfold channel status NAME`, then "
        "`stockfold reconcile channel NAME --repair --kind stuck --dry-run`",
        {"listing": ("stuck",)},
    ),
    Runbook(
        "channel-frozen",
        "A channel has work and gets nothing done",
        "engineer",
        "`stockfold channel check NAME`; it goes on by itself when the shop serves",
        {"exception": ("channel_frozen",), "alert": ("ChannelFrozen",)},
    ),
    Runbook(
        "channel-paused",
        "A person has paused the channel",
        "support",
        "`stockfold channel resume NAME --dry-run`",
        {"channel": ("paused",)},
    ),
    Runbook(
        "channel-halted",
        "A guard has stopped the channel",
        "engineer",
        "`stockfold channel status NAME`, then `stockfold channel resume NAME --dry-run`",
        {"channel": ("halted",)},
    ),
    Runbook(
        "channel-zeroed",
        "A person has the channel show nothing",
        "support",
        "`stockfold channel resume NAME --dry-run`",
        {"channel": ("zeroed", "restored")},
    ),
    Runbook(
        "canary-late",
        "The canary was not seen in the shop in time",
        "engineer",
        "`stockfold channel monitor NAME`, then `stockfold listings CANARY-SKU --channel NAME`",
        {"canary": ("late",)},
    ),
    Runbook(
        "remote-version-changed",
        "Another version runs at the other end of a channel",
        "engineer",
        "`stockfold channel versions NAME`, then `stockfold channel check NAME`",
        {"exception": ("remote_version_changed",)},
    ),
    Runbook(
        "shop-access",
        "The shop does not let us in",
        "engineer",
        "`stockfold channel check NAME`; a new key with read and write rights in the settings",
        {"check": ("not_readable", "not_writable", "orders_not_readable", "batches_refused")},
    ),
    Runbook(
        "shop-settings",
        "The shop's own settings of stock stand in the way",
        "shop team",
        "WooCommerce, Settings, Products, Inventory; then `stockfold channel check NAME`",
        {"check": ("stock_management_off", "hold_minutes_differ", "out_of_stock_threshold")},
    ),
    Runbook(
        "shop-host",
        "The shop's machine: clock, certificate, limits",
        "shop team",
        "`stockfold channel check NAME --probe`",
        {"check": ("clock_skew", "no_tls", "tls_unchecked", "small_bodies")},
    ),
    Runbook(
        "shop-webhooks",
        "Orders are not told by the shop",
        "engineer",
        "`stockfold channel webhooks NAME --dry-run`",
        {
            "check": (
                "no_webhooks",
                "webhooks_unknown",
                "webhook_missing",
                "webhook_inactive",
            )
        },
    ),
    Runbook(
        "shop-products",
        "Products that are written, and yet not sold as one would think",
        "shop team",
        "`stockfold channel check NAME --all`",
        {
            "check": ("unmanaged", "draft_parent", "backorders_on", "old_version"),
            "delivery": ("sold_without_stock",),
        },
    ),
    Runbook(
        "listings-unknown",
        "The check does not know what we publish",
        "engineer",
        "`stockfold topics list`",
        {"check": ("listings_unknown",)},
    ),
    Runbook(
        "backlog",
        "A service does not keep up with its topic",
        "engineer",
        "`stockfold topics list`; see the service's log, then start another instance",
        {"alert": ("Backlog",)},
    ),
    Runbook(
        "stale-source",
        "An ERP or WMS has fallen silent",
        "ERP team",
        "Ask the source; `stockfold policy show NAME` says what its channels do meanwhile",
        {"alert": ("StaleSource",)},
    ),
    Runbook(
        "snapshot-tail",
        "The ledger would take long to recover",
        "engineer",
        "`stockfold snapshots list`; restart the snapshotter",
        {"alert": ("SnapshotTail",)},
    ),
    Runbook(
        "slo-burn",
        "Too much is late: an objective will be missed",
        "engineer",
        "`stockfold listings --differs waiting`; find the slowest step",
        {"alert": ("SloBurn",)},
    ),
)
