"""Orders: what is promised to each, decided purely. See ``lifecycle`` for the states."""
