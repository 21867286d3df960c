"""The oracle: what must be true of what a scenario left behind. Each check returns differences.

Nothing here asks the ledger's code for a number: what is expected was added up from the inputs
(``workload.py``), and the journal is summed here delta by delta.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

from tests.faults.evidence import TOPIC_OF_TABLE, Evidence, Rec
from tests.faults.workload import CHANNEL, LOCATIONS, SOURCE

Differences = list[str]
BUCKETS = ("on_hand", "quality_hold", "damaged", "in_transit", "reserved", "allocated")
PHYSICAL = frozenset(
    (*BUCKETS[:4], "supplier", "customer", "lost", "scrapped", "adjustment"),
)
SHOWN_MAX = 5


def no_input_is_lost(evidence: Evidence) -> Differences:
    """Every event that the broker took has its fact, or its exception, and every mark covers it."""
    folded = {fact.body["event_id"] for fact in _facts(evidence)}
    found = [
        f"event {event} was told, and nothing came of it"
        for event in sorted(evidence.expected.told - folded)
    ]
    refused = _refused(evidence)
    kinds = Counter(record.body["kind"] for record in refused)
    found += _differ("exceptions of kind", evidence.expected.poison, kinds)
    marks: dict[tuple[str, int], int] = {}
    for record in evidence.of("stockfold.journal.v1"):
        if record.name == "InputsRead":
            for row in record.body["inputs"]:
                marks[row["topic"], record.partition] = row["next_offset"]
    return found + [
        f"{topic} partition {partition}: sent up to {end}, the journal's mark says {mark}"
        for (topic, partition), end in evidence.ends.items()
        if (mark := marks.get((topic, partition), 0)) != end
    ]


def none_is_folded_twice(evidence: Evidence) -> Differences:
    """An event has facts of one delivery alone; a delivery is decided once."""
    deliveries: dict[str, set[tuple[str, int, int]]] = defaultdict(set)
    kinds: Counter[tuple[str, int, int, str]] = Counter()
    for fact in _facts(evidence):
        body = fact.body
        place = (body["topic"], body["partition"], body["offset"])
        if body["event_id"]:
            deliveries[body["event_id"]].add(place)
            kinds[(*place, body["kind"])] += 1
    found = [
        f"event {event} was folded from {len(places)} deliveries: {sorted(places)}"
        for event, places in deliveries.items()
        if len(places) > 1
    ]
    found += [f"{place} has {n} facts" for place, n in kinds.items() if n > 1]
    for event, places in deliveries.items():
        for place in places:
            # A broker in distress may keep what it does not acknowledge; it is sent again then, and
            # the second one is the repeat.
            known = evidence.acknowledged.get(place) or evidence.unacknowledged.get(place)
            if known != event:
                found.append(f"fact of {event} names {place}, where {known} was sent")
    refused = Counter(record.body["exception"] for record in _refused(evidence))
    return found + [f"exception {name} is there {n} times" for name, n in refused.items() if n > 1]


def the_journal_is_contiguous(evidence: Evidence) -> Differences:
    """Facts of a SKU count 1, 2, 3 and so on, in one partition; marks never go back."""
    found: Differences = []
    counts: Counter[str] = Counter()
    homes: dict[str, int] = {}
    marks: dict[tuple[str, int], int] = {}
    for record in evidence.of("stockfold.journal.v1"):
        if record.name == "InputsRead":
            for row in record.body["inputs"]:
                place = (row["topic"], record.partition)
                if row["next_offset"] < marks.get(place, 0):
                    found.append(f"the mark of {place} goes back to {row['next_offset']}")
                marks[place] = row["next_offset"]
            continue
        sku, seq = record.body["sku"], record.body["seq"]
        counts[sku] += 1
        if seq != counts[sku]:
            found.append(f"{sku}: fact {seq} where {counts[sku]} must be ({record.place})")
            counts[sku] = seq
        if homes.setdefault(sku, record.partition) != record.partition:
            found.append(f"{sku} has facts in partitions {homes[sku]} and {record.partition}")
    return found


def the_numbers_are_the_inputs_sum(evidence: Evidence) -> Differences:
    """Units per SKU, place and bucket are what the inputs add up to; each fact conserves."""
    found: Differences = []
    sums: Counter[tuple[str, str, str]] = Counter()
    for fact in _facts(evidence):
        physical = 0
        for delta in fact.body["deltas"]:
            account, units = delta["account"], delta["quantity"]
            sums[fact.body["sku"], delta["location"], account] += units
            physical += units if account in PHYSICAL else 0
        if physical:
            found.append(f"{fact.place} makes {physical} units out of nothing")
    return found + _differ("units of", evidence.expected.numbers, sums)


def positions_are_the_journals_sum(evidence: Evidence) -> Differences:
    """The positions topic says what the journal adds up to, as of the SKU's last change there."""
    sums: Counter[tuple[str, str, str]] = Counter()
    for fact in _facts(evidence):
        for delta in fact.body["deltas"]:
            if delta["account"] in BUCKETS:
                place = (fact.body["sku"], delta["location"], delta["account"])
                sums[place] += delta["quantity"]
    told: Counter[tuple[str, str, str]] = Counter()
    found: Differences = []
    for record in _latest(evidence.of("stockfold.positions.v1")).values():
        if record.name != "Position":
            continue
        body = record.body
        for bucket in BUCKETS:
            told[body["sku"], body["location"], bucket] = body[bucket]
        if body["atp"] != body["on_hand"] - body["reserved"] - body["allocated"]:
            found.append(f"{body['sku']} at {body['location']}: ATP {body['atp']} is no difference")
    return found + _differ("position of", sums, told)


def answers_are_right(evidence: Evidence) -> Differences:
    """Each order got one answer; of the buyers of the last units the right number was served."""
    first: dict[str, str] = {}
    served: Counter[str] = Counter()
    for record in evidence.of("stockfold.reservation-status.v1"):
        body = record.body
        if body["command"] != "ReserveStock":
            continue
        if body["reservation"] in first:
            return [f"{body['reservation']} was answered twice"]
        first[body["reservation"]] = body["status"]
        served[body["sku"]] += body["status"] == "confirmed"
    found = _differ("answer to", evidence.expected.answers, first, ours_only=True)
    return found + _differ("buyers served of", evidence.expected.confirmed, served, ours_only=True)


def availability_is_computed_anew(evidence: Evidence) -> Differences:
    """What was told last is what the inputs come to, and versions count up without a gap."""
    found: Differences = []
    versions: Counter[bytes | None] = Counter()
    for record in evidence.of("stockfold.availability.v1"):
        versions[record.key] += 1
        if record.body["version"] != versions[record.key]:
            found.append(f"{record.key!r} has version {record.body['version']} at {record.place}")
    told = {
        record.body["sku"]: record.body["quantity"]
        for record in _latest(evidence.of("stockfold.availability.v1")).values()
        if record.body["channel"] == CHANNEL
    }
    return found + _differ("availability of", _wanted(evidence), told)


def the_read_model_equals_the_topics(evidence: Evidence) -> Differences:
    """Every row is of the record that the topic has, and every record has its row."""
    found: Differences = []
    tables = evidence.tables
    for table, topic in TOPIC_OF_TABLE.items():
        rows = {(row["partition"], row["record_offset"]): row for row in tables[table]}
        records = evidence.of(topic)
        if table in ("positions", "availability"):
            records = list(_latest(records).values())
        if table == "positions":
            records = [record for record in records if record.name == "Position"]
        if table == "journal":
            records = [record for record in records if record.name == "JournalFact"]
        wanted = {(record.partition, record.offset): record for record in records}
        found += [f"{table}: the record at {p} has no row" for p in wanted.keys() - rows.keys()]
        found += [f"{table}: the row of {p} has no record" for p in rows.keys() - wanted.keys()]
        if len(rows) != len(tables[table]):
            found.append(f"{table}: {len(tables[table]) - len(rows)} records are there twice")
        for place in wanted.keys() & rows.keys():
            row, body = rows[place], wanted[place].body
            wrong = {k: (body[k], row[k]) for k in row.keys() & body.keys() if body[k] != row[k]}
            wrong.pop("partition", None)  # An exception names its input's partition.
            if wrong:
                found.append(f"{table}: the row of {place} says otherwise: {wrong}")
    return found + [f"unreadable for the read model: {row}" for row in tables["unreadable"]]


def the_shop_shows_the_last_availability(evidence: Evidence) -> Differences:
    """The shop's stock is what was told last; each last version has its delivery."""
    found = _differ("stock in the shop of", _wanted(evidence), evidence.stock)
    delivered: dict[str, int] = {}
    for record in evidence.of("stockfold.deliveries.v1"):
        body = record.body
        delivered[body["sku"]] = max(delivered.get(body["sku"], 0), body["version"])
    last = {
        record.body["sku"]: record.body["version"]
        for record in _latest(evidence.of("stockfold.availability.v1")).values()
    }
    return found + _differ("delivered version of", last, delivered)


def nobody_saw_the_uncommitted(evidence: Evidence) -> Differences:
    """The observer was shown, all along, exactly what the log ends up with."""
    final = {record.place: record.print for record in evidence.records}
    seen = evidence.seen
    found = [f"{p} was shown and is not in the log" for p in sorted(seen.keys() - final.keys())]
    found += [f"{p} was never shown" for p in sorted(final.keys() - seen.keys())]
    return found + [
        f"{place} was shown otherwise than it is"
        for place in seen.keys() & final.keys()
        if seen[place] != final[place]
    ]


def digests_are_equal(evidence: Evidence) -> Differences:
    """Every way to the ledger's state ends in the same state."""
    return [
        f"{one[0]} gives {one[1]}, {other[0]} gives {other[1]}"
        for one, other in pairwise(evidence.digests.items())
        if one[1] != other[1]
    ]


def snapshots_are_the_journals_fold(evidence: Evidence) -> Differences:
    """A snapshot holds what its digest says, and what the journal comes to at its offset."""
    return [
        f"{name}: saved as {saved}, restores {restored}, the journal gives {folded}"
        for name, (saved, restored, folded) in evidence.snapshots.items()
        if not saved == restored == folded
    ]


def nothing_odd_happened(evidence: Evidence) -> Differences:
    """Everything settled, nobody ended by himself, the observer met no error."""
    return list(evidence.oddities)


CHECKS: tuple[Callable[[Evidence], Differences], ...] = (
    nothing_odd_happened,
    no_input_is_lost,
    none_is_folded_twice,
    the_journal_is_contiguous,
    the_numbers_are_the_inputs_sum,
    positions_are_the_journals_sum,
    answers_are_right,
    availability_is_computed_anew,
    the_read_model_equals_the_topics,
    the_shop_shows_the_last_availability,
    nobody_saw_the_uncommitted,
    digests_are_equal,
    snapshots_are_the_journals_fold,
)


def judge(evidence: Evidence) -> dict[str, Differences]:
    """Check → what differs, a few of each."""
    verdict = {}
    for check in CHECKS:
        found = check(evidence)
        rest = [f"and {len(found) - SHOWN_MAX} more"] if len(found) > SHOWN_MAX else []
        verdict[check.__name__] = found[:SHOWN_MAX] + rest
    return verdict


def _facts(evidence: Evidence) -> list[Rec]:
    return [record for record in evidence.of("stockfold.journal.v1") if record.name != "InputsRead"]


def _refused(evidence: Evidence) -> list[Rec]:
    return [
        record
        for record in evidence.of("stockfold.exceptions.v1")
        if not record.body["folded"] and record.body["source"] in ("", SOURCE)
    ]


def _wanted(evidence: Evidence) -> dict[str, int]:
    skus = {sku for sku, location, _ in evidence.expected.numbers if location in LOCATIONS}
    return {sku: evidence.expected.availability(sku) for sku in skus}


def _latest(records: Iterable[Rec]) -> dict[bytes | None, Rec]:
    return {record.key: record for record in records}


def _differ(
    what: str, wanted: Mapping[Any, Any], found: Mapping[Any, Any], *, ours_only: bool = False
) -> Differences:
    """Values that differ; a missing one counts as zero, so that zeros need not be listed."""
    keys = wanted.keys() if ours_only else wanted.keys() | found.keys()
    return [
        f"{what} {key} must be {wanted.get(key, 0)}, is {found.get(key, 0)}"
        for key in sorted(keys, key=str)
        if wanted.get(key, 0) != found.get(key, 0)
    ]
