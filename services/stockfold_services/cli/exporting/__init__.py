"""Tables for BI, as Parquet, from the topics alone."""
