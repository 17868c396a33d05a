"""Whole commands against the embedded exchange, as separate processes over real sockets."""
