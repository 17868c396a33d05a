"""WebSocket streams of the paper exchange: names, subscribers, sockets and what is published when."""
