"""Questions to the journal: explain, as-of, oversell, leaks."""
