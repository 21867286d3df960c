"""The latest availability by channel and SKU, in memory: aiokafka, read anew at every start."""

import asyncio
import io
import json
import os
from functools import cache
from urllib.request import urlopen

from aiokafka import AIOKafkaConsumer
from fastavro import parse_schema, schemaless_reader

TOPIC = os.environ.get("TOPIC", "stockfold.availability.v1")
latest = {}  # "channel|SKU": the record of the highest version


@cache
def schema(number):
    with urlopen(f"{os.environ['REGISTRY']}/schemas/ids/{number}") as answer:
        return parse_schema(json.loads(json.load(answer)["schema"]))


def decode(value):
    return schemaless_reader(io.BytesIO(value[5:]), schema(int.from_bytes(value[1:5])))


async def main():
    places = {"bootstrap_servers": os.environ["KAFKA"], "auto_offset_reset": "earliest"}
    async with AIOKafkaConsumer(TOPIC, isolation_level="read_committed", **places) as consumer:
        async for record in consumer:
            told = decode(record.value)
            if told["version"] > latest.get(record.key, {"version": 0})["version"]:
                latest[record.key] = told
                print(record.key.decode(), told["version"], told["quantity"], flush=True)


asyncio.run(main())
