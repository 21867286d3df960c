"""Which locations carry which tags, for commands that need a channel's eligible ones."""

from __future__ import annotations

from stockfold.availability.surroundings import Places
from stockfold.contracts.topics import REFERENCE
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.availability.places import PlaceBook


def tagged_places(settings: Settings) -> Places:
    """The tags of the reference topic, as every availability process reads them."""
    book = PlaceBook()
    with kafka_errors(
        "the reference data was not read",
        where=f"{REFERENCE.full_name(settings.prefix)} at {settings.kafka.bootstrap}",
        remedy="Check the broker, and that `stockfold topics apply` has made every topic.",
    ):
        for batch in PartitionReader(settings).read(REFERENCE, 0):
            book.apply(batch)
    return book.places
