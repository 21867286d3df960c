"""Who catches up goes behind whoever is waited for: the projector's process of PostgreSQL, too."""

from __future__ import annotations

import uuid

import asyncpg
import psutil
import pytest

from stockfold.runtime.settings import Settings
from stockfold_services.projector.store import Store

pytestmark = pytest.mark.integration


async def test_postgresqls_other_processes_go_before_the_one_that_serves_the_projector(
    postgres: str,
) -> None:
    prefix = f"t{uuid.uuid4().hex[:8]}."
    settings = Settings(environment={"prefix": prefix}, postgres={"dsn": postgres})
    reader = await asyncpg.connect(postgres)
    server = psutil.Process(reader.get_server_pid()).parent()

    def patient() -> set[int]:
        return {one.pid for one in server.children() if one.nice() >= 10}

    before = patient()
    async with Store.opened(settings) as store:
        assert await store.go_behind_others(10)
        (ours,) = patient() - before
        assert psutil.Process(ours).nice() == 10
        assert await store.go_behind_others(5)  # It was more patient already, and stays so.
        assert psutil.Process(ours).nice() == 10
        assert psutil.Process(reader.get_server_pid()).nice() == server.nice()
    await reader.close()
