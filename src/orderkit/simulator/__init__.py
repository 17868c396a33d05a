"""A pure, synchronous, deterministic futures exchange: matching, filters, margin, conditional orders."""
