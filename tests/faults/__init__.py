"""``make faults``: everything is killed, paused, cut off and starved, and nothing may be lost.

Real Kafka, real PostgreSQL, the services as processes of their own, a demo shop. Each scenario
feeds a seeded workload, injects its faults meanwhile, lets everything settle, and compares what
came of it with sums over what was sent (``workload.py``), by ``checks.py``.

    python -m tests.faults --kills 20 --seed 7 --only zombie
"""
