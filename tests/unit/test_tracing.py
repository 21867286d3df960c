"""The frame of tracing: what is traced, what is not, and what a collector that is away costs."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
from tests.support.collector import Collector

from stockfold.runtime.secret import SecretRef
from stockfold.runtime.settings import Settings, TelemetrySettings
from stockfold.runtime.telemetry.spans import pipeline
from stockfold.runtime.telemetry.tracing import (
    NO_SPAN,
    OFF,
    Traces,
    context_of,
    headers_of,
    sampled,
    trace_id_of,
    traceparent_in,
    traces_of,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = f"00-{TRACE}-b7ad6b7169203331-01"
UNSAMPLED = f"00-{TRACE}-b7ad6b7169203331-00"


def _settings(endpoint: str, **more: object) -> Settings:
    return Settings(telemetry=TelemetrySettings(endpoint=endpoint, **more))  # type: ignore[arg-type]


def _traced(collector: Collector, **more: object) -> tuple[Traces, Settings]:
    settings = _settings(collector.url, **more)
    return traces_of(settings, "ledger"), settings


def test_a_span_reaches_the_collector_under_its_parent_with_its_links_and_attributes() -> None:
    with Collector() as collector:
        traces, settings = _traced(collector)
        other = UNSAMPLED.replace("0af7", "1af7")
        span = traces.follow(
            SAMPLED, "process x", {"stockfold.sku": "A"}, links=[other, "nonsense"]
        )
        span.put({"messaging.kafka.offset": 7})
        span.end()
        pipeline(settings.telemetry).flush()
    (seen,) = collector.spans
    assert (seen.service, seen.name, seen.kind) == ("ledger", "process x", "consumer")
    assert (seen.trace_id, seen.parent_id) == (TRACE, "b7ad6b7169203331")
    assert seen.attributes == {"stockfold.sku": "A", "messaging.kafka.offset": 7}
    assert seen.links == ((trace_id_of(other), "b7ad6b7169203331"),)
    assert span.traceparent == f"00-{TRACE}-{seen.span_id}-01"


def test_an_entry_without_a_trace_begins_one_as_often_as_the_ratio_says() -> None:
    with Collector() as collector:
        always, settings = _traced(collector, sample_ratio=1.0)
        never, _ = _traced(collector, sample_ratio=0.0)
        span = always.enter("POST /v1/events", {})
        span.end()
        unsampled = never.enter("POST /v1/events", {})
        unsampled.end()
        pipeline(settings.telemetry).flush()
    (seen,) = collector.spans
    assert seen.parent_id == ""
    assert trace_id_of(span.traceparent) == seen.trace_id
    told = context_of(unsampled.traceparent)
    assert told is not None
    assert not told.sampled


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_who_sends_a_trace_decides_whether_it_is_sampled(ratio: float) -> None:
    with Collector() as collector:
        traces, settings = _traced(collector, sample_ratio=ratio)
        traces.enter("in", {}, parent=SAMPLED).end()
        not_sampled = traces.enter("in", {}, parent=UNSAMPLED)
        not_sampled.end()
        assert not traces.follow(UNSAMPLED, "on", {}).is_recorded
        assert traces.follow("", "on", {}) is NO_SPAN
        pipeline(settings.telemetry).flush()
    assert [span.trace_id for span in collector.spans] == [TRACE]
    assert not_sampled.traceparent == UNSAMPLED


def test_an_error_inside_a_span_is_told_by_its_kind_and_not_by_its_words() -> None:
    with Collector() as collector:
        traces, settings = _traced(collector)
        with pytest.raises(ValueError, match="Ada"), traces.follow(SAMPLED, "x", {}):
            raise ValueError("the order of Ada")
        pipeline(settings.telemetry).flush()
    (seen,) = collector.spans
    assert seen.error == "ValueError"
    assert b"Ada" not in b"".join(collector.bodies)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        SAMPLED.upper(),
        SAMPLED + "-more-",
        "ff" + SAMPLED[2:],
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        "x" * 10_000,
    ],
)
def test_what_is_no_traceparent_is_none(text: str) -> None:
    wanted = None if not text.startswith("00-0af") or not text.endswith("-more-") else TRACE
    context = context_of(text)
    assert (None if context is None else f"{context.trace_id:032x}") == wanted


def test_headers_carry_a_trace_there_and_back() -> None:
    assert headers_of("") is None
    assert traceparent_in(headers_of(SAMPLED)) == SAMPLED  # type: ignore[arg-type]
    assert traceparent_in([("ce_id", b"1"), ("traceparent", None)]) == ""
    assert (sampled(SAMPLED), sampled(UNSAMPLED), sampled("no")) == (SAMPLED, "", "")


def test_without_a_collector_nothing_is_made_and_what_came_goes_on() -> None:
    assert traces_of(Settings(), "ledger") is OFF
    assert OFF.enter("x", {}) is NO_SPAN
    assert OFF.enter("x", {}, parent=SAMPLED).traceparent == SAMPLED
    assert OFF.follow(SAMPLED, "x", {}) is NO_SPAN


def test_without_a_collector_the_sdk_is_not_even_imported() -> None:
    code = (
        "import sys\n"
        "from stockfold.runtime.settings import Settings\n"
        "from stockfold.runtime.telemetry.tracing import traces_of\n"
        "traces_of(Settings(), 'ledger')\n"
        "print('opentelemetry' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_collector_that_is_away_costs_spans_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    settings = _settings(endpoint, queue_spans_max=8, export_every_s=3600)
    traces = traces_of(settings, "ledger")
    for _ in range(100):
        traces.follow(SAMPLED, "x", {}).end()
    pipeline(settings.telemetry).flush()
    pipeline(settings.telemetry).flush()
    away = [r for r in caplog.records if "takes no telemetry" in r.message]
    assert len(away) == 1


def test_a_collector_that_never_answers_holds_nobody_up_at_the_end() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(5)
        code = (
            "from stockfold.runtime.settings import Settings, TelemetrySettings\n"
            "from stockfold.runtime.telemetry.tracing import traces_of\n"
            f"told = TelemetrySettings(endpoint='http://127.0.0.1:{deaf.getsockname()[1]}',"
            " request_timeout_s=0.2)\n"
            f"traces_of(Settings(telemetry=told), 'ledger').follow('{SAMPLED}', 'x', {{}}).end()\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_collector_is_told_who_we_are_and_its_refusals_are_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Collector() as collector:
        traces, settings = _traced(collector, authorization=SecretRef("Bearer abc"))
        collector.status = 503
        traces.follow(SAMPLED, "lost", {}).end()
        pipeline(settings.telemetry).flush()
        collector.status = 200
        traces.follow(SAMPLED, "kept", {}).end()
        with caplog.at_level("INFO"):
            pipeline(settings.telemetry).flush()
    assert [span.name for span in collector.spans] == ["kept"]
    assert set(collector.authorizations) == {"Bearer abc"}
    told = [r.message for r in caplog.records if "telemetry" in r.message]
    assert len(told) == 2
    assert "abc" not in "".join(told)


def test_a_plain_secret_is_for_a_collector_on_this_machine_only() -> None:
    with pytest.raises(ValueError, match="needs a reference"):
        _settings("https://collector.example", authorization=SecretRef("Bearer abc"))
