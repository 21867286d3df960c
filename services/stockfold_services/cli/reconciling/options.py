"""Options that both reconciliations have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CsvFile = Annotated[
    Path | None, typer.Option("--csv", help="Write every difference to this CSV file.")
]
HtmlFile = Annotated[Path | None, typer.Option("--html", help="Write the report as a page.")]
