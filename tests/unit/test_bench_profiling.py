"""What the profile's table says of sampled stacks."""

from __future__ import annotations

from infra.bench.profiling import shares

LOOP = "ExactlyOnceLoop.run (stockfold/runtime/exactly_once.py:9)"
FOLDED = f"""\
main (a/main.py:1);{LOOP};fold (b/evolve.py:3) 6
main (a/main.py:1);{LOOP};fold (b/evolve.py:8) 1
main (a/main.py:1);{LOOP};decide (b/decide.py:2);fold (b/evolve.py:3) 1
main (a/main.py:1);{LOOP};decide (b/decide.py:4) 2
main (a/main.py:1);heartbeat (c/beat.py:1) 90
"""


def test_a_function_has_its_own_time_and_that_of_what_it_calls() -> None:
    assert shares(FOLDED) == [
        ("fold (evolve.py)", 0.8, 0.8),
        ("decide (decide.py)", 0.2, 0.3),
    ]


def test_what_is_beside_the_loop_does_not_count() -> None:
    assert shares("main (a/main.py:1);heartbeat (c/beat.py:1) 90\n") == []
