"""Half an hour at a steady rate, and whether the ledger's memory or lag has grown.

What a ledger forgets is forgotten many times within it: event ids (by number), finished lines,
transfers and returns behind them, movements beyond the counts' horizon; and reservations expire.
``python -m infra.bench.soak`` says flat or not by the slope of the later two thirds, and writes
build/soak.json and build/soak.svg.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count, islice, pairwise
from pathlib import Path

import msgspec
import psutil
from confluent_kafka import KafkaError, Message, Producer
from infra.bench.broker import new_broker
from infra.bench.checkout import process
from infra.bench.curves import Curve, picture
from infra.bench.ledger import Progress, ledger_progress
from infra.bench.spent import cpu_s
from infra.bench.workload import CHANNELS, LOCATIONS, SOURCE, Event, events
from rich.console import Console

from stockfold.contracts import codec, envelope
from stockfold.contracts.journal import Mark, decode_entry
from stockfold.contracts.topics import EXCEPTIONS, JOURNAL, RESERVATIONS, Topic
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config, ensure_topics
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

SKUS = 20_000
SAMPLE_S = 10.0
EXPIRES_S = 20
EXPIRING_EVERY = 50
"""One reservation of so many events is left to expire."""
IDS_MAX = 10_000
HORIZON_S = 120
GROWTH_MAX = 0.05
"""Of the mean, from the first third to the end: more is not flat."""
CATCH_UP_S_MAX = 120.0


class Sample(msgspec.Struct):
    """The ledger at a time. Seconds since the beginning, mebibytes, events, CPU seconds."""

    at_s: float
    memory_mb: float
    lag_events: int
    cpu_s: float
    sent: int


def _stream(rate_s: int) -> Iterator[Event]:
    """Events without an end, made a second ahead of their sending."""
    for second in count():
        now_us = SYSTEM_CLOCK.now_us()
        yield from events(rate_s, SKUS, second, now_us, second * rate_s * 2)


def _expiring(number: int) -> Event:
    """A reservation that nothing follows."""
    sku, now_us = f"SKU-{number * 37 % SKUS:07d}", SYSTEM_CLOCK.now_us()
    name = "stockfold.ReserveStock"
    body = {
        "sku": sku,
        "reservation": f"SOAK-{number}",
        "order": f"SOAK-{number}",
        "line": "1",
        "channel": CHANNELS[number % len(CHANNELS)],
        "quantity": 1,
        "locations": LOCATIONS,
        "allow_backorder": True,
        "expires_at": now_us + EXPIRES_S * 1_000_000,
    }
    about = envelope.Envelope(f"soak-{number}", SOURCE, name, now_us)
    return Event(RESERVATIONS, sku.encode(), codec.encode(name, body), envelope.build(about))


class Load:
    """Sends events evenly, as well as the machine lets it: what is late is sent at once."""

    def __init__(self, settings: Settings, rate_s: int) -> None:
        self._prefix = settings.environment.prefix
        self._rate_s = rate_s
        self._stream = _stream(rate_s)
        self.sent = 0
        self._refused: list[str] = []
        self._ends: dict[tuple[str, int], int] = {}
        """Where the topics' partitions end, by what was delivered."""
        self._producer = Producer(
            {
                **confluent_config(settings),
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "compression.type": "lz4",
            }
        )

    def send_until(self, at_s: float) -> None:
        """Everything that is due at a time since the beginning."""
        for event in islice(self._stream, max(int(at_s * self._rate_s) - self.sent, 0)):
            self._send(event)
            if self.sent % EXPIRING_EVERY == 0:
                self._send(_expiring(self.sent))
        self._producer.poll(0)

    def _send(self, event: Event) -> None:
        self._producer.produce(
            event.topic.full_name(self._prefix),
            event.value,
            event.key,
            headers=list(event.headers),
            on_delivery=self._delivered,
        )
        self.sent += 1

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._refused.append(error.str())
        else:
            place = str(message.topic()), int(message.partition() or 0)
            self._ends[place] = max(int(message.offset() or 0) + 1, self._ends.get(place, 0))

    def finish(self) -> None:
        """UnavailableError when an event did not reach Kafka, by the offsets it was given."""
        left = self._producer.flush(120)
        reached = sum(self._ends.values())
        if left or self._refused or reached != self.sent:
            raise UnavailableError(
                f"{left} of {self.sent:,} events are not sent, {reached:,} reached Kafka, refused: "
                f"{self._refused[:1]}",
                remedy="Read the broker's log.",
            )


def _run(
    settings: Settings, minutes: float, rate_s: int, console: Console
) -> tuple[list[Sample], int]:
    """The samples, and how many events were sent; all of them are committed at the end."""
    ensure_topics(settings)
    load, progress = Load(settings, rate_s), ledger_progress(settings)
    samples: list[Sample] = []
    try:
        with process(settings, "ledger", **_variables()) as ledger:
            began = time.monotonic()
            while (at_s := time.monotonic() - began) < minutes * 60:
                load.send_until(at_s)
                if at_s >= (len(samples) + 1) * SAMPLE_S:
                    samples.append(_sample(at_s, ledger, load, progress))
                    _tell(samples[-1], console)
                time.sleep(0.02)
            load.finish()
            _await(progress, load.sent)
    finally:
        progress.close()
    return samples, load.sent


def _variables() -> dict[str, str]:
    return {
        "STOCKFOLD_LEDGER__DEDUPE_EVENTS_MAX": str(IDS_MAX),
        "STOCKFOLD_LEDGER__MOVEMENT_HORIZON_S": str(HORIZON_S),
        "STOCKFOLD_LEDGER__PARKING_LIMIT_S": str(HORIZON_S),
        "STOCKFOLD_LOG_LEVEL": "WARNING",
    }


def _sample(at_s: float, ledger: psutil.Process, load: Load, progress: Progress) -> Sample:
    sent = load.sent
    return Sample(
        round(at_s, 1),
        round(ledger.memory_info().rss / 2**20, 1),
        max(sent - progress.committed(), 0),
        round(cpu_s(ledger), 2),
        sent,
    )


def _tell(sample: Sample, console: Console) -> None:
    console.print(
        f"{sample.at_s:6.0f} s  {sample.memory_mb:7.1f} MiB  {sample.lag_events:7,} behind  "
        f"{sample.sent:10,} sent  {sample.cpu_s:7.1f} s CPU",
        highlight=False,
    )


def _await(progress: Progress, sent: int) -> None:
    deadline = time.monotonic() + CATCH_UP_S_MAX
    while (done := progress.committed()) < sent:
        if time.monotonic() > deadline:
            raise UnavailableError(
                f"the ledger committed {done:,} of {sent:,} events", remedy="Read its log above."
            )
        time.sleep(0.2)


def _kinds(settings: Settings) -> Counter[str]:
    """How many facts of each kind the journal holds."""
    entries = (decode_entry(value) for value in _values(settings, JOURNAL))
    return Counter(entry.kind for entry in entries if not isinstance(entry, Mark))


def _refused(settings: Settings) -> Counter[str]:
    """Exceptions about events that were not folded, by kind."""
    told = (codec.decode(value)[1] for value in _values(settings, EXCEPTIONS))
    return Counter(one["kind"] for one in told if not one["folded"])


def _values(settings: Settings, topic: Topic) -> Iterator[bytes]:
    """Everything that a topic holds."""
    reader = PartitionReader(settings)
    for partition in range(settings.kafka.sku_partitions):
        for batch in reader.read(topic, partition):
            yield from (record.value() or b"" for record in batch)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Least squares, per second."""
    at = sum(x for x, _ in points) / len(points)
    level = sum(y for _, y in points) / len(points)
    spread = sum((x - at) ** 2 for x, _ in points)
    return sum((x - at) * (y - level) for x, y in points) / spread if spread else 0.0


def judge(samples: Sequence[Sample], rate_s: int) -> dict[str, float | bool]:
    """Growth of the later two thirds, where all that is remembered has its size."""
    late = samples[len(samples) // 3 :]
    memory = [(s.at_s, s.memory_mb) for s in late]
    lag = [(s.at_s, float(s.lag_events)) for s in late]
    mean_mb = sum(y for _, y in memory) / len(memory)
    spent_s = late[-1].at_s - late[0].at_s
    growth_mb, growth_lag = slope(memory) * spent_s, slope(lag) * spent_s
    events_done = late[-1].sent - late[0].sent
    return {
        "memory_mb_mean": round(mean_mb, 1),
        "memory_mb_per_minute": round(slope(memory) * 60, 3),
        "memory_growth_share": round(growth_mb / mean_mb, 4),
        "lag_events_mean": round(sum(y for _, y in lag) / len(lag)),
        "lag_events_most": max(s.lag_events for s in late),
        "lag_events_growth": round(growth_lag),
        "cpu_s_per_million": round((late[-1].cpu_s - late[0].cpu_s) / events_done * 1e6, 1),
        "memory_is_flat": growth_mb <= GROWTH_MAX * mean_mb,
        # Growth by less than what comes in two seconds is how a machine breathes.
        "lag_is_flat": growth_lag <= 2 * rate_s,
    }


def main() -> None:
    """Soak, judge and draw. Exit status 1 when something grew."""
    parser = argparse.ArgumentParser(prog="bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=int, default=2_000, help="events a second")
    parser.add_argument("--out", type=Path, default=Path("build/soak.json"))
    options = parser.parse_args()
    console = Console()
    with new_broker() as broker:
        settings = broker.for_backlog("soak.")
        samples, sent = _run(settings, options.minutes, options.rate, console)
        kinds, refused = _kinds(settings), _refused(settings)
    verdict = judge(samples, options.rate)
    found = {
        "minutes": options.minutes,
        "events_per_s": options.rate,
        "events": sent,
        **verdict,
        "expired": kinds["ReservationExpired"],
        "forgotten": kinds["EntitiesForgotten"],
        "facts": sum(kinds.values()),
        "refused": dict(refused),
        "settings": _variables(),
    }
    console.print_json(json.dumps(found))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    told = {**found, "samples": msgspec.to_builtins(samples)}
    options.out.write_text(json.dumps(told, indent=1) + "\n")
    curves = [
        Curve("memory, MiB", [(s.at_s / 60, s.memory_mb) for s in samples]),
        Curve("events behind", [(s.at_s / 60, float(s.lag_events)) for s in samples]),
        Curve("CPU, % of a core", _cpu_percent(samples)),
    ]
    title = f"{options.rate:,} events/s for {options.minutes:g} minutes"
    options.out.with_suffix(".svg").write_text(picture(title, "minutes", curves))
    if not (verdict["memory_is_flat"] and verdict["lag_is_flat"]):
        sys.exit(1)
    if not found["expired"] or not found["forgotten"]:
        raise UnavailableError("nothing expired, or nothing was forgotten", remedy="Soak longer.")


def _cpu_percent(samples: Sequence[Sample]) -> list[tuple[float, float]]:
    return [
        (now.at_s / 60, (now.cpu_s - was.cpu_s) / (now.at_s - was.at_s) * 100)
        for was, now in pairwise(samples)
    ]


if __name__ == "__main__":
    main()
