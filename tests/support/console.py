"""Pages as a browser gets them, and what of them a stranger's text may have become."""

from __future__ import annotations

from html.parser import HTMLParser

import httpx

HOSTILE = "<script>alert(1)</script>'\"><img src=x onerror=alert(2)>{{7*7}}"
"""A name that breaks out of text, of attributes, of addresses and of templates, if it can."""
_ALLOWED_SCRIPTS = ("/console/static/",)


class Page(HTMLParser):
    """A page taken apart: its text, its links, and whatever could act by itself."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = source
        self.text = ""
        self.links: list[str] = []
        self.acting: list[str] = []
        self.feed(source)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what acts: scripts of strangers, handlers, styles, foreign schemes."""
        given = {name: value or "" for name, value in attrs}
        self.links += [given["href"]] if tag == "a" and "href" in given else []
        source = given.get("src", "")
        if tag == "script" and not source.startswith(_ALLOWED_SCRIPTS):
            self.acting.append(f"<script src={source!r}>")
        if tag in ("img", "iframe", "object", "embed", "style", "base"):
            self.acting.append(f"<{tag}>")
        self.acting += [name for name in given if name.startswith("on") or name == "style"]
        self.acting += [
            value
            for name in ("href", "src", "action", "formaction")
            for value in (given.get(name, ""),)
            if value.lower().lstrip().startswith(("javascript:", "data:", "vbscript:"))
        ]

    def handle_data(self, data: str) -> None:
        """Collect the text."""
        self.text += f" {data}"


async def page(client: httpx.AsyncClient, path: str, status: int = 200, **asked: object) -> Page:
    """A page, asked for as a browser does. Nothing in it acts by itself."""
    answer = await client.get(path, params=asked or None, headers={"accept": "text/html"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    found = Page(answer.text)
    assert found.acting == []
    return found
