"""Servers that need no installation: Apache Kafka and PostgreSQL from Python packages."""
