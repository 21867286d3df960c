"""The partitioner agrees with Kafka's clients."""

from __future__ import annotations

from aiokafka.partitioner import murmur2 as aiokafka_murmur2
from hypothesis import given
from hypothesis import strategies as st

from stockfold.contracts.partitioner import murmur2, partition_of


@given(st.binary(max_size=64))
def test_it_hashes_as_aiokafka_does(key: bytes) -> None:
    assert murmur2(key) == aiokafka_murmur2(key) & 0xFFFFFFFF


def test_it_hashes_as_the_java_client_does() -> None:
    # From org.apache.kafka.common.utils.UtilsTest, as signed 32-bit numbers.
    told = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    assert {key: murmur2(key) for key in told} == {k: h & 0xFFFFFFFF for k, h in told.items()}


@given(st.binary(max_size=16), st.integers(1, 10_000))
def test_a_partition_is_always_there(key: bytes, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions
