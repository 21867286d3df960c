"""Vendors' OpenAPI documents, served by Prism, judge adapters and fakes: ``make test-prism``."""
