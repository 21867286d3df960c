"""Comparing the ledger with what others say: an ERP's closing figures, a shop's listings. Pure."""
