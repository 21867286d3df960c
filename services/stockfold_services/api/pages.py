"""Plain HTML, rendered here, without scripts: the index, and the page of the interface."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from stockfold.contracts.channel_proofs import Standing
from stockfold.runtime.channel_modes import ChannelMode
from stockfold_services.api.overview import Count, ProjectorState, Reevaluation

_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:46rem;padding:1rem}
h1{font-size:1.4rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:1.5rem 0 .25rem}
h3{font:600 1rem/1.4 ui-monospace,monospace;margin:1.25rem 0 .25rem;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid #8884;padding:.35rem .5rem .35rem 0;text-align:left;
vertical-align:top;overflow-wrap:anywhere}
td.k{white-space:nowrap}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
form{display:flex;gap:.5rem;margin:.5rem 0}input{flex:1;min-width:0}
input,button{font:inherit;padding:.4rem .6rem}
pre{overflow-x:auto;margin:.25rem 0 .75rem}
.bad{color:#c33;font-weight:600}.dim{opacity:.75}
"""

_LINKS = (
    ("/v1/positions", "Positions by SKU and location"),
    ("/v1/availability", "Availability by channel and SKU"),
    ("/v1/deliveries", "Deliveries to channels"),
    ("/v1/channels", "The connections to shops, and the mode of each"),
    ("/v1/channel-proofs", "Whether the shops still follow: what their canaries proved"),
    ("/v1/listings?differs=any", "Listings whose channel does not show what it shall"),
    ("/v1/exceptions", "Exceptions: what needs a person"),
    ("/v1/order-cases?state=open", "Orders that were sold and cannot be served"),
    ("/v1/oversells", "Where more is promised than there is"),
    ("/v1/leaks", "What was begun and never ended"),
    ("/v1/status", "These figures as JSON"),
    ("/contracts", "Contracts: topics, events, fields, examples, and who masters what"),
    ("/readyz", "Readiness"),
    ("/docs", "The interface, endpoint by endpoint"),
    ("/openapi.json", "The same as OpenAPI"),
)


def page(title: str, body: str) -> str:
    """A whole page around ``body``, which is HTML already."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def duration(ms: int | None) -> str:
    """Milliseconds for people."""
    if ms is None:
        return "unknown"
    if ms < 1000:
        return f"{ms} ms"
    seconds = ms // 1000
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 172_800 else f"{seconds // 86_400} days"


def index(
    state: ProjectorState | None,
    tables: Sequence[Count] = (),
    changing: Sequence[Reevaluation] = (),
    late: Sequence[Standing] = (),
    channels: Sequence[ChannelMode] = (),
    trouble: str = "",
) -> str:
    """The index page; ``trouble`` says why there are no figures."""
    parts = ["<h1>stockfold</h1>"]
    if trouble:
        parts.append(f'<p class="bad">{escape(trouble)}</p>')
    if state is not None:
        parts.append(_pulse(state))
    parts += map(_late, late)
    parts += map(_changing, changing)
    parts.append(
        '<form action="/v1/skus"><input name="sku" placeholder="SKU" aria-label="SKU" required>'
        "<button>Look up</button></form>"
    )
    if channels:
        parts.append(f"<h2>Channels</h2><table>{''.join(map(_channel, channels))}</table>")
    if tables:
        rows = "".join(
            f'<tr><td>{escape(row.table.replace("_", " "))}</td><td class="n">'
            f"{'' if row.exact else 'about '}{row.rows:,}</td></tr>"
            for row in tables
        )
        parts.append(f"<h2>What is in it</h2><table>{rows}</table>")
    if state is not None and state.topics:
        rows = "".join(
            f'<tr><td>{escape(t.topic)}</td><td class="n">{t.records:,}</td>'
            f'<td class="n">{t.lag:,}</td><td class="n">{duration(t.age_ms)}</td></tr>'
            for t in state.topics
        )
        parts.append(
            '<h2>How fresh it is</h2><table><tr><th>topic</th><th class="n">read up to</th>'
            f'<th class="n">behind</th><th class="n">age</th></tr>{rows}</table>'
        )
    links = "".join(f'<li><a href="{url}">{escape(text)}</a></li>' for url, text in _LINKS)
    parts.append(f"<h2>Where to look</h2><ul>{links}</ul>")
    return page("stockfold", "".join(parts))


def _channel(one: ChannelMode) -> str:
    canaries = f" ({one.canary_skus:,} SKUs)" if one.canary_skus else ""
    mode = one.mode if one.in_force in (None, one.mode) else f"{one.mode}, now {one.in_force}"
    return (
        f'<tr><td class="k">{escape(one.channel)}</td><td class="k">{escape(mode)}{canaries}</td>'
        f"<td>{_controlled(one)}{escape(one.note)}</td></tr>"
    )


def _controlled(one: ChannelMode) -> str:
    if one.state == "running":
        return ""
    why = f": {one.reason}" if one.reason else ""
    return f'<span class="bad">{escape(one.state + why)}</span> '


def _changing(work: Reevaluation) -> str:
    channels = ", ".join(work.channels)
    urgent = f"{work.zeros:,} told to be at zero, which come first"
    if not work.unseen:
        urgent += ": that is all of them"
    lasts = "" if work.left_s is None else f", about {duration(work.left_s * 1000)} more"
    return (
        f"<h2>A change of policy or time is under way</h2><p>{escape(work.instance)}, "
        f"{escape(channels)}: {work.left:,} of {work.listings:,} listings are yet to be looked at "
        f"or told, since {work.began_at:%-d %b %H:%M:%S} UTC. {work.per_s:,.0f} a second{lasts}. "
        f"{urgent}.</p>"
    )


def _late(canary: Standing) -> str:
    return (
        f'<p class="bad">Channel {escape(canary.channel)} does not follow: its canary '
        f"{escape(canary.sku)}, counted at {escape(canary.since)}, is not shown. "
        f"{escape(canary.detail)}</p>"
    )


def _pulse(state: ProjectorState) -> str:
    if state.alive:
        return (
            f'<p class="dim">The projector is alive, {state.lag:,} records behind; the figures are '
            f"{duration(state.age_ms)} old.</p>"
        )
    if state.beat_age_ms is None:
        return '<p class="bad">No projector has reported yet.</p>'
    return (
        f'<p class="bad">The projector was last heard of {duration(state.beat_age_ms)} ago: these '
        "figures are old.</p>"
    )


def interface(openapi: dict[str, Any]) -> str:
    """Every endpoint with its inputs, from the OpenAPI document."""
    parts = [
        f"<h1>{escape(openapi['info']['title'])}</h1>",
        f"<p>{escape(openapi['info'].get('description', ''))}</p>",
        '<p><a href="/openapi.json">openapi.json</a> is for tools.</p>',
    ]
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            parts.append(f"<h3>{escape(method.upper())} {escape(path)}</h3>")
            parts.append(f"<p>{escape(operation.get('description', ''))}</p>")
            given = [*operation.get("parameters", []), *_body(openapi, operation)]
            rows = "".join(_parameter(row) for row in given)
            if rows:
                parts.append(f"<table>{rows}</table>")
    return page(openapi["info"]["title"], "".join(parts))


def _body(openapi: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The members of a request's JSON body, as parameters are told."""
    content = operation.get("requestBody", {}).get("content", {})
    name = content.get("application/json", {}).get("schema", {}).get("$ref", "").rsplit("/", 1)[-1]
    members = openapi.get("components", {}).get("schemas", {}).get(name, {}).get("properties", {})
    return [
        {
            "name": member,
            "in": "body",
            "schema": schema,
            "description": schema.get("description", ""),
        }
        for member, schema in members.items()
    ]


def _parameter(row: dict[str, Any]) -> str:
    schema = row["schema"]
    options = [schema, *schema.get("anyOf", [])]
    limits = [
        f"{word} {option[name]}"
        for option in options
        for name, word in (
            ("minimum", "from"),
            ("maximum", "to"),
            ("maxLength", "at most"),
            ("maxItems", "at most"),
        )
        if name in option
    ]
    if schema.get("default") is not None:
        limits.append(f"default {schema['default']}")
    note = ", ".join(limits)
    return (
        f'<tr><td class="k"><code>{escape(row["name"])}</code></td>'
        f'<td class="k">{escape(row["in"])}</td>'
        f"<td>{escape(row.get('description', ''))} "
        f'<span class="dim">{escape(note)}</span></td></tr>'
    )
