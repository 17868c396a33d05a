"""The embedded exchange, over real sockets."""
