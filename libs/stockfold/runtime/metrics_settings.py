"""What stockfold tells about itself, ``[metrics]``, and what it promises, ``[objectives]``."""

from __future__ import annotations

from pydantic import Field, PositiveFloat

from stockfold.runtime.settings_fields import Port, Section


class MetricsSettings(Section):
    """Metrics: the port at which Prometheus scrapes a process, and the push to a collector."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on. Whoever reaches it may read the metrics: no key is "
        "asked for.",
    )
    port: Port | None = Field(
        default=None,
        description="Port to listen on; 9464 is usual. Unset: none is opened. Under `stockfold up` "
        "the ledger takes it, the snapshotter the next one, the other services the one after.",
    )
    push_every_s: PositiveFloat = Field(
        default=15.0,
        description="How often metrics are sent to telemetry.endpoint, if there is one, in "
        "seconds.",
    )


class Objective(Section):
    """A service level objective."""

    within_s: PositiveFloat = Field(description="How soon is in time, in seconds.")
    percent: float = Field(
        gt=0, lt=100, description="What part shall be done well and in time, in percent."
    )


class ObjectivesSettings(Section):
    """Service level objectives, judged where things are done; alerts watch their budgets."""

    order_ingestion: Objective = Field(
        default=Objective(within_s=30, percent=99.5),
        description="From Kafka's having what a shop told of an order to the order's coming to "
        "rest: confirmed, held, or refused for want of stock.",
    )
    inventory_propagation: Objective = Field(
        default=Objective(within_s=60, percent=99.0),
        description="From a stock event to the shop's acknowledgement. Given up is not good.",
    )
    shipment_confirmation: Objective = Field(
        default=Objective(within_s=300, percent=99.0),
        description="From a parcel's event to its carrier and number in the shop's order.",
    )
