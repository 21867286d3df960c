"""Any system that takes signed JSON over HTTP: an aggregator, a shop of one's own."""

from __future__ import annotations

from stockfold.channels.http.adapter import HttpChannel

__all__ = ["HttpChannel"]
