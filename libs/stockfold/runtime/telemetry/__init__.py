"""Telemetry: how a shop's order or an ERP's event went through every service, and how fast.

``tracing`` is what services use; ``exporting`` brings what they make to the collector, from a queue
with an end, in a thread of its own: a collector that is away costs telemetry, never a service.
``[telemetry]`` of the settings turns it on.

``measures`` are the metrics; ``endpoint`` tells them to Prometheus, at the port of ``[metrics]``,
and ``metrics`` to the collector.
"""
