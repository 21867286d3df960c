"""The latest availability by channel and SKU, in a database: confluent-kafka, goes on at start."""

import io
import json
import os
import sqlite3
from functools import cache
from urllib.request import urlopen

from confluent_kafka import Consumer, KafkaException
from fastavro import parse_schema, schemaless_reader

TAKE = """insert into latest values (?, ?, ?) on conflict (name) do update
set version = excluded.version, quantity = excluded.quantity where excluded.version > version"""


@cache
def schema(number):
    with urlopen(f"{os.environ['REGISTRY']}/schemas/ids/{int.from_bytes(number)}") as answer:
        return parse_schema(json.loads(json.load(answer)["schema"]))


base = sqlite3.connect(os.environ["DATABASE"])  # latest (name primary key, version, quantity)
names = {"bootstrap.servers": os.environ["KAFKA"], "group.id": os.environ["GROUP"]}
care = {"isolation.level": "read_committed", "auto.offset.reset": "earliest"}
pace = {"enable.auto.commit": False, "session.timeout.ms": 6000}
consumer = Consumer(names | care | pace)
consumer.subscribe([os.environ.get("TOPIC", "stockfold.availability.v1")])
while True:
    records = consumer.consume(500, timeout=1.0)
    for record in records:
        if record.error():
            raise KafkaException(record.error())
        told = schemaless_reader(io.BytesIO(record.value()[5:]), schema(record.value()[1:5]))
        base.execute(TAKE, [record.key().decode(), told["version"], told["quantity"]])
    base.commit()  # First what was read, then how far: after a crash some of it is read again.
    if records:
        consumer.commit(asynchronous=False)
