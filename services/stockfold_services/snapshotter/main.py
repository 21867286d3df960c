"""The snapshotter process: snapshots and digests of the journal's partitions, and of the orders'.

It reads what the ledger and orders have written and never asks them for anything.
"""

from __future__ import annotations

import gc
import logging
import sys
import threading

from confluent_kafka import KafkaException

from stockfold.contracts.topics import JOURNAL, ORDER_JOURNAL
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.behind import go_behind_others
from stockfold.runtime.kafka import wait_for_topics
from stockfold.runtime.order_snapshots import open_order_snapshots
from stockfold.runtime.serve import serve
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshots import open_store
from stockfold_services.snapshotter.orders import OrderSnapshotter
from stockfold_services.snapshotter.share import Share
from stockfold_services.snapshotter.snapshotter import Snapshotter

log = logging.getLogger(__name__)

LOOK_S_MAX = 5.0
RETRY_S = 10.0
NICENESS = 10
"""What waits for the processor before us: the ledger and everybody else."""


def run(settings: Settings, stop: threading.Event) -> None:
    """Serve this instance's share of the partitions until ``stop``.

    SettingsError when the topics or the place of the snapshots will not do.
    """
    store, order_store = open_store(settings), open_order_snapshots(settings)
    if not wait_for_topics(settings, stop):
        return
    if sys.platform == "linux":  # There it is the thread's own.
        go_behind_others(NICENESS)
    snapshotter = Snapshotter(settings, store, stop)
    orders = OrderSnapshotter(settings, order_store, stop)
    # A memory has no cycles: it goes when its partition is done, without the collector's rounds.
    gc.disable()
    try:
        while not stop.is_set():
            try:
                _serve(settings, snapshotter, orders, stop)
            except (KafkaException, UnavailableError) as error:
                log.warning("snapshotter tries again in %.0f s: %s", RETRY_S, error)
                stop.wait(RETRY_S)
    finally:
        gc.enable()


def _serve(
    settings: Settings, snapshotter: Snapshotter, orders: OrderSnapshotter, stop: threading.Event
) -> None:
    look_s = min(LOOK_S_MAX, settings.snapshots.every_s)
    with (
        Share(settings, JOURNAL, "snapshotter") as share,
        Share(settings, ORDER_JOURNAL, "order-snapshotter") as order_share,
    ):
        while not stop.is_set():
            snapshotter.look(share.partitions(look_s))
            orders.look(order_share.partitions(0.0))


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    serve("snapshotter", run)


if __name__ == "__main__":
    main()
