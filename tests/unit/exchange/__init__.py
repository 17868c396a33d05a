"""The exchange room without a network."""
