"""The production loop against a log, a store and a clock in memory, everything from one seed.

``world`` has the time and the processes, ``kafka_log``, ``kafka_group`` and the clients are a Kafka
in memory, reached over ``wire``, ``faults`` decides what goes wrong, ``history`` runs one history,
and ``oracle`` judges it. Nothing here uses threads, the machine's clock or its randomness.
"""
