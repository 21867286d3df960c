"""Writes the rules, their tests, the dashboards and the list of metrics. ``make docs`` runs it."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from infra.observability import dashboards, metrics_page, panels, rules_file, rules_tests

HERE = Path(__file__).parent
HEAD = "# Written by `make docs` from {}: change it there.\n"


def written() -> dict[Path, str]:
    """Every file and what it shall say."""
    found = {
        HERE / "rules.yaml": _yaml("alerts.py", rules_file.document()),
        **{
            HERE / name: _yaml("rules_tests.py", document)
            for name, document in rules_tests.documents().items()
        },
        metrics_page.PATH: metrics_page.text(),
    }
    for dashboard in dashboards.all_dashboards():
        told = json.dumps(panels.document(dashboard), indent=1, ensure_ascii=False)
        found[HERE / "grafana" / f"{dashboard.uid}.json"] = told + "\n"
    return found


def _yaml(source: str, document: object) -> str:
    return HEAD.format(source) + yaml.safe_dump(
        document, sort_keys=False, width=100, allow_unicode=True
    )


def main() -> None:
    """Write them."""
    for path, text in written().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
