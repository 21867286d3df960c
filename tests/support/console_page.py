"""A page of the console as a browser without scripts sees it: its forms, and what would run."""

from __future__ import annotations

from html.parser import HTMLParser

import httpx

SAME_ORIGIN = {"origin": "http://api", "sec-fetch-site": "same-origin"}
_VOID_VALUE = "on"


class Page(HTMLParser):
    """Forms by their address with the fields they would send; scripts, handlers and plain text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: dict[str, dict[str, str]] = {}
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.links: set[str] = set()
        self._form: dict[str, str] | None = None
        self._name = ""
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.handlers += [name for name in told if name.startswith("on") or name == "style"]
        if tag == "a":
            self.links.add(told.get("href", ""))
        if tag == "script":
            self.scripts.append(told.get("src", ""))
        if tag == "form":
            self._form = self.forms.setdefault(told.get("action", ""), {})
        if self._form is None:
            return
        name = told.get("name", "")
        if tag == "input" and name:
            is_box = told.get("type") == "checkbox"
            if not is_box or "checked" in told:
                self._form[name] = told.get("value", _VOID_VALUE if is_box else "")
        elif tag == "textarea":
            self._name, self._form[name] = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            self._name = f"{self._select}?" if "selected" not in told else self._select

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag in ("textarea", "select", "option"):
            self._name = ""
        if tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._form is None or not self._name:
            return
        if self._name.endswith("?"):
            self._form.setdefault(self._name[:-1], data.strip())
        elif self._select:
            self._form[self._select] = data.strip()
        else:
            # HTML drops the line break right behind <textarea>.
            self._form[self._name] += (
                data.removeprefix("\n") if not self._form[self._name] else data
            )


async def page_of(client: httpx.AsyncClient, path: str, status: int = 200) -> Page:
    """The page of a path, as a browser asks for it."""
    answer = await client.get(path, headers={"accept": "text/html"})
    assert answer.status_code == status, answer.text
    return Page(answer.text)


async def submit(
    client: httpx.AsyncClient, page: Page, action: str, status: int = 200, **changed: str
) -> tuple[Page, httpx.Response]:
    """Send a form of a page as it is, with some fields changed; the page that answers."""
    fields = page.forms[action] | changed
    answer = await client.post(action, data=fields, headers=SAME_ORIGIN | {"accept": "text/html"})
    assert answer.status_code == status, answer.text
    return Page(answer.text), answer
