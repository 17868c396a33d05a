"""The WebSocket API of the paper exchange: the REST endpoints over one connection, and sessions."""
