"""An imitation of Walmart Marketplace's inventory API, from its published contract.

Sources: the OpenAPI documents of the United States' marketplace (token, inventory, feeds) with
their examples, and the pages "Error codes", "Rate limiting", "Update inventory in bulk" and
"Understanding feed statuses" of developer.walmart.com. What they leave open is marked where it is
chosen.
"""

from __future__ import annotations

from stockfold.channels.walmart.fake.subject import WalmartSubject

__all__ = ["WalmartSubject"]
