"""The latest availability by channel and SKU, in a table of Faust, which goes on at start."""

import os

import faust

from stockfold.client.faust import Avro, read_committed

APP, KAFKA = os.environ.get("APP", "acme.availability"), os.environ["KAFKA"]
TOPIC = os.environ.get("TOPIC", "stockfold.availability.v1")
app = faust.App(APP, broker=f"aiokafka://{KAFKA}", store="memory://", web_enabled=False)
read_committed(app)
availability = app.topic(TOPIC, key_serializer="raw", value_serializer=Avro())
latest = app.Table("latest", partitions=int(os.environ["PARTITIONS"]))  # As many as the topic has


@app.agent(availability)
async def keep(stream):
    async for key, told in stream.items():
        name, version, quantity = key.decode(), told.body["version"], told.body["quantity"]
        if version > latest.get(name, {"version": 0})["version"]:
            latest[name] = {"version": version, "quantity": quantity}
            print(name, version, quantity, flush=True)


if __name__ == "__main__":
    faust.Worker(app, loglevel="WARNING", redirect_stdouts=False).execute_from_commandline()
