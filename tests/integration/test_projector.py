"""The projector against real Kafka and PostgreSQL: every record once, whatever happens."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest
from confluent_kafka.admin import AdminClient
from tests.support import read_side as given

from stockfold.contracts.topics import JOURNAL, POSITIONS
from stockfold.domain.errors import DefectError, SettingsError
from stockfold.runtime.embedded.ports import free_port
from stockfold.runtime.kafka import confluent_config, group_id, partitions_of
from stockfold.runtime.postgres import schema_name
from stockfold.runtime.settings import ProjectorSettings, Settings
from stockfold_services.projector.main import run
from stockfold_services.projector.migrate import migrate, migrations
from stockfold_services.projector.source import TOPICS
from stockfold_services.projector.store import Store
from stockfold_services.projector.tables import TABLES

pytestmark = pytest.mark.integration

DEADLINE_S = 60
SHORTAGE = [("on_hand", "L1", -1), ("customer", "", 1)]


@pytest.fixture
def settings(new_environment, postgres: str) -> Settings:
    return new_environment(postgres={"dsn": postgres})


@pytest.fixture
async def db(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(
        settings.postgres.dsn.resolve(),
        server_settings={"search_path": schema_name(settings.prefix)},
    )
    yield connection
    await connection.close()


@asynccontextmanager
async def projecting(settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, stop))
    try:
        yield task
    finally:
        stop.set()
        await task


async def until(check: Callable[[], Awaitable[bool]], task: asyncio.Task[None] | None = None):
    """Poll until ``check`` holds; a task that ended meanwhile is an error."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            if task is not None and task.done():
                task.result()
                raise AssertionError("the projector ended")
            with suppress(asyncpg.UndefinedTableError):
                if await check():
                    return
            await asyncio.sleep(0.05)


def holds(db: asyncpg.Connection, table: str, rows: int) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return await db.fetchval(f"SELECT count(*) FROM {table}") >= rows

    return check


def history(sku: str, first: int, last: int):
    for seq in range(first, last + 1):
        yield given.fact(sku, seq, SHORTAGE, kind="StockShipped")
        yield given.position(sku, "L1", seq, on_hand=-seq)
    yield given.mark()


async def test_every_kind_of_record_reaches_its_table(settings: Settings, db) -> None:
    line = {
        "order": "o1",
        "line": "1",
        "ordered": 3,
        "shipped": 1,
        "backordered": 1,
        "reservation": "r1",
        "reserved": [["L1", 1]],
        "expires_us": given.NOW_US,
    }
    status = ["r1", "partially_confirmed", "ReserveStock", 2, "", 0]
    given.produce(
        settings,
        [
            given.fact("a/b ü", 1, [("on_hand", "L1", 5), ("supplier", "", -5)]),
            given.fact(
                "a/b ü",
                2,
                [("reserved", "L1", 1), ("backordered", "", 1)],
                body={"line": line, "status": status},
            ),
            given.mark(),
            given.position("a/b ü", "L1", 2, on_hand=5, reserved=1),
            given.summary("a/b ü", 2, {"web": 1}),
            given.availability("web", "a/b ü", 1, 4),
            given.availability("web", "a/b ü", 2, 3),
            given.delivery("web", "a/b ü", 2),
            given.delivery("web", "a/b ü", 1, "superseded"),
            given.exception("negative\x00quantity"[:8], "a\x00b", 1),
        ],
    )
    async with projecting(settings) as task:
        await until(holds(db, "journal", 2), task)
        await until(holds(db, "delivery_history", 2), task)
        await until(holds(db, "exceptions", 1), task)
        await until(holds(db, "sku_summaries", 1), task)
        await until(holds(db, "availability", 1), task)
    position = await db.fetchrow("SELECT * FROM positions")
    assert (position["sku"], position["location"], position["seq"]) == ("a/b ü", "L1", 2)
    assert (position["on_hand"], position["reserved"], position["atp"]) == (5, 1, 4)
    assert await db.fetchval("SELECT backordered FROM sku_summaries") == 1
    assert await db.fetchval("SELECT version FROM availability") == 2
    assert await db.fetchval("SELECT version || ' ' || outcome FROM deliveries") == "2 applied"
    assert await db.fetchval("SELECT places FROM journal WHERE seq = 2") == ["", "L1"]
    demand = await db.fetchrow("SELECT * FROM demand_lines")
    assert (demand["order_id"], demand["ordered"], demand["reserved"]) == ("o1", 3, 1)
    assert await db.fetchval("SELECT order_id || status FROM reservation_status") == (
        "o1partially_confirmed"
    )
    exception = await db.fetchrow("SELECT * FROM exceptions")
    assert exception["sku"] == "a\u2400b"
    assert (exception["key"], exception["value"]) == (b"a\x00b", b"\x00\xff")
    assert await db.fetchval("SELECT count(*) FROM unreadable") == 0


async def test_a_restart_goes_on_where_the_rows_end(settings: Settings, db) -> None:
    given.produce(settings, history("s", 1, 50))
    async with projecting(settings) as task:
        await until(holds(db, "journal", 50), task)
    given.produce(settings, history("s", 51, 80))
    async with projecting(settings) as task:
        await until(holds(db, "journal", 80), task)
        await until(lambda: _position_is(db, "s", -80), task)
    assert await db.fetchval("SELECT array_agg(seq ORDER BY seq) FROM journal") == list(
        range(1, 81)
    )


async def _position_is(db, sku: str, on_hand: int) -> bool:
    found = await db.fetchval("SELECT on_hand FROM positions WHERE sku = $1", sku)
    return found == on_hand


async def test_a_projector_that_is_killed_again_and_again_doubles_and_loses_nothing(
    settings: Settings, db, tmp_path
) -> None:
    child = tmp_path / "child.py"
    child.write_text(
        "import asyncio, sys\n"
        "from stockfold.runtime.settings import Settings\n"
        "from stockfold_services.projector.main import run\n"
        "asyncio.run(run(Settings.model_validate_json(sys.argv[1]), asyncio.Event()))\n"
    )
    text = Settings.model_dump_json(
        settings.model_copy(
            update={"projector": settings.projector.model_copy(update={"batch_events_max": 150})}
        ),
        context={"reveal_plain_secrets": True},
    )
    total = 12_000
    given.produce(settings, history("s", 1, total))
    for target in (300, 2_000, 5_000):
        process = await asyncio.create_subprocess_exec(sys.executable, str(child), text)
        try:
            await until(holds(db, "journal", target))
        finally:
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
    async with projecting(settings) as task:
        await until(holds(db, "journal", total), task)
        await until(lambda: _position_is(db, "s", -total), task)
    row = await db.fetchrow("SELECT count(*), min(seq), max(seq) FROM journal")
    assert tuple(row) == (total, 1, total)
    next_offset = await db.fetchval(
        "SELECT next_offset FROM offsets WHERE topic = $1 AND partition = 0", JOURNAL.name
    )
    last = await db.fetchval("SELECT max(record_offset) FROM journal")
    assert next_offset == last + 2  # The mark follows the last fact.


async def test_two_projectors_share_the_partitions_and_double_nothing(
    settings: Settings, db
) -> None:
    other = settings.model_copy(update={"projector": ProjectorSettings(instance="projector-2")})
    async with projecting(settings) as first, projecting(other) as second:
        for partition, sku in ((0, "p0"), (1, "p1")):
            given.produce(settings, history(sku, 1, 2_000), partition)
        await until(holds(db, "journal", 4_000), first)
        await until(lambda: _position_is(db, "p0", -2000), second)
        await until(lambda: _position_is(db, "p1", -2000), second)
    assert await db.fetchval("SELECT count(*) FROM journal") == 4_000


async def test_the_group_knows_the_projector_by_name_so_that_a_killed_one_is_back_at_once(
    settings: Settings, db
) -> None:
    given.produce(settings, history("s", 1, 2), 0)
    async with projecting(settings) as task:
        await until(holds(db, "journal", 2), task)
        group = group_id(settings, "projector")
        admin = AdminClient(confluent_config(settings))
        found = admin.describe_consumer_groups([group])[group].result(20)
    assert [member.group_instance_id for member in found.members] == ["projector-1"]


async def test_a_batch_read_from_elsewhere_than_the_offsets_is_refused_whole(
    settings: Settings, db
) -> None:
    from stockfold_services.projector.batch import Batch, Consumed  # noqa: PLC0415
    from stockfold_services.projector.store import Moved  # noqa: PLC0415

    place = (POSITIONS.name, 0)
    topic, key, value = given.position("s", "L1", 1, on_hand=1)
    record = Consumed(topic.name, 0, 7, key, value, 0)
    async with Store.opened(settings) as store:
        assert await store.offsets({place: 7}) == {place: 7}
        zombie, owner = Batch({place: 7}), Batch({place: 7})
        zombie.add(record)
        owner.add(record)
        await store.write(owner)
        with pytest.raises(Moved):
            await store.write(zombie)
        assert await store.offsets({place: 0}) == {place: 8}


async def test_records_that_are_read_again_are_there_once(settings: Settings, db) -> None:
    given.produce(settings, [*history("s", 1, 3), given.availability("web", "s", 1, 5)])
    async with projecting(settings) as task:
        await until(holds(db, "availability_history", 1), task)
        await until(holds(db, "journal", 3), task)
    await db.execute("UPDATE offsets SET next_offset = 0")
    given.produce(settings, [*history("s", 4, 5), given.availability("web", "s", 2, 5)])
    async with projecting(settings) as task:
        await until(holds(db, "availability_history", 2), task)
        await until(holds(db, "journal", 5), task)
        await until(holds(db, "positions WHERE on_hand = -5", 1), task)
    for table, rows in (("journal", 5), ("availability_history", 2), ("positions", 1)):
        assert await db.fetchval(f"SELECT count(*) FROM {table}") == rows


async def test_what_was_read_ahead_is_unread_when_the_tables_move_meanwhile(
    settings: Settings, db
) -> None:
    small = settings.model_copy(
        update={"projector": ProjectorSettings(batch_events_max=3, batch_ms_max=50)}
    )
    given.produce(settings, history("s", 1, 20))
    async with projecting(small) as task:
        await until(holds(db, "journal", 10), task)
        # As another projector would have written it, or a cutover put it there.
        async with db.transaction():
            await db.execute("DELETE FROM journal")
            await db.execute("DELETE FROM positions")
            await db.execute("UPDATE offsets SET next_offset = 0")
        given.produce(settings, history("s", 21, 40))
        await until(holds(db, "journal", 40), task)
        await until(holds(db, "positions WHERE on_hand = -40", 1), task)
    rows = await db.fetch("SELECT seq FROM journal ORDER BY seq")
    assert [row["seq"] for row in rows] == list(range(1, 41))


async def test_an_aborted_transaction_is_never_projected(settings: Settings, db) -> None:
    given.produce(settings, [given.fact("s", 1, SHORTAGE)], commit=False)
    given.produce(settings, [given.fact("s", 1, SHORTAGE), given.fact("t", 1, SHORTAGE)])
    async with projecting(settings) as task:
        await until(holds(db, "journal", 2), task)
    assert await db.fetchval("SELECT count(*) FROM journal") == 2


async def test_a_record_that_cannot_be_read_is_kept_and_the_next_ones_arrive(
    settings: Settings, db
) -> None:
    far = given.position("far", "L1", 1, on_hand=1, recorded_us=10**18)
    huge = given.position(random.Random(1).randbytes(6000).hex(), "L1", 1, on_hand=1)
    given.produce(
        settings,
        [
            (POSITIONS, b"x", b"no avro"),
            (POSITIONS, b"x", None),
            far,
            given.position("s", "L1", 1, on_hand=1),
            huge,
            given.position("t", "L1", 1, on_hand=1),
        ],
    )
    async with projecting(settings) as task:
        await until(holds(db, "positions", 2), task)
        await until(holds(db, "unreadable", 4), task)
    rows = await db.fetch("SELECT record_offset, reason, value FROM unreadable ORDER BY 1")
    assert [row["record_offset"] for row in rows] == [0, 1, 2, 4]
    assert rows[0]["value"] == b"no avro"
    assert rows[3]["reason"].startswith("ProgramLimitExceededError")


async def test_a_second_history_of_a_sku_stops_the_projector(settings: Settings, db) -> None:
    given.produce(settings, [given.fact("s", 1, SHORTAGE), given.fact("s", 1, SHORTAGE)])
    with pytest.raises(DefectError, match="twice"):
        await asyncio.wait_for(run(settings, asyncio.Event()), DEADLINE_S)
    assert await db.fetchval("SELECT count(*) FROM journal") == 0


async def test_while_kafka_is_away_it_tries_again_and_stops_when_told(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    away = settings.kafka.model_copy(update={"bootstrap": f"127.0.0.1:{free_port()}"})
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings.model_copy(update={"kafka": away}), stop))

    async def tried_twice() -> bool:
        return caplog.text.count("trying again") >= 2

    await until(tried_twice, task)
    stop.set()
    await asyncio.wait_for(task, DEADLINE_S)


async def test_the_tables_have_the_columns_that_are_written(settings: Settings, db) -> None:
    schema = schema_name(settings.prefix)
    await migrate(db, schema)
    for table in TABLES:
        rows = await db.fetch(
            "SELECT column_name, column_default FROM information_schema.columns "
            "WHERE table_schema = $1 AND table_name = $2",
            schema,
            table.name,
        )
        by_default = {row["column_name"] for row in rows if row["column_default"]}
        assert {row["column_name"] for row in rows} - by_default == set(table.columns)


async def test_another_kafka_than_before_is_refused(settings: Settings, db) -> None:
    async with Store.opened(settings) as store:
        await store.claim_origin("another-cluster", settings.prefix)
    with pytest.raises(SettingsError, match="another-cluster"):
        await asyncio.wait_for(run(settings, asyncio.Event()), DEADLINE_S)


async def test_a_broken_connection_is_mended(settings: Settings, db) -> None:
    given.produce(settings, history("s", 1, 10))
    async with projecting(settings) as task:
        await until(holds(db, "journal", 10), task)
        await db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'stockfold-projector' AND datname = current_database()"
        )
        given.produce(settings, history("s", 11, 20))
        await until(holds(db, "journal", 20), task)


async def test_a_dropped_schema_is_rebuilt(settings: Settings, db) -> None:
    given.produce(settings, history("s", 1, 10))
    async with projecting(settings) as task:
        await until(holds(db, "journal", 10), task)
        await db.execute(f'DROP SCHEMA "{schema_name(settings.prefix)}" CASCADE')
        await until(holds(db, "journal", 10), task)


async def test_freshness_is_known_and_young_when_everything_is_read(settings: Settings, db) -> None:
    given.produce(settings, history("s", 1, 10))
    places = sum(partitions_of(settings, topic) for topic in TOPICS)
    async with projecting(settings) as task:
        await until(holds(db, "journal", 10), task)

        async def fresh() -> bool:
            return await db.fetchval(
                f"SELECT count(*) = {places} AND bool_and(lag = 0 AND "
                "complete_until > now() - interval '5 seconds') FROM freshness"
            )

        await until(fresh, task)


async def test_migrations_apply_once_and_refuse_what_was_changed(settings: Settings, db) -> None:
    schema = schema_name(settings.prefix)
    names = [migration.name for migration in migrations()]
    assert await migrate(db, schema) == names
    assert await migrate(db, schema) == []
    await db.execute("UPDATE migrations SET digest = 'other' WHERE number = 1")
    with pytest.raises(SettingsError, match="differs"):
        await migrate(db, schema)
    await db.execute("INSERT INTO migrations VALUES (999, '0999_later.sql', '')")
    with pytest.raises(SettingsError, match="later release"):
        await migrate(db, schema)


async def test_rows_beyond_their_retention_leave(settings: Settings, db) -> None:
    given.produce(settings, [given.delivery("web", "s", 1)])
    async with projecting(settings) as task:
        await until(holds(db, "deliveries", 1), task)
    await db.execute("UPDATE delivery_history SET finished_at = now() - interval '31 days'")
    async with Store.opened(settings) as store:
        assert await store.prune() == 1
    assert await db.fetchval("SELECT count(*) FROM delivery_history") == 0
    assert await db.fetchval("SELECT count(*) FROM deliveries") == 1
