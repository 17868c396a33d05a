"""Other people's clients against the embedded exchange, unmodified but for the base URL."""
