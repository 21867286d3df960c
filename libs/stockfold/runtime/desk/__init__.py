"""The exception desk: what needs a person, and what the person did about it.

Read from Kafka and written to Kafka alone, so that it works while PostgreSQL does not.
"""
