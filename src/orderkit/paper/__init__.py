"""The embedded exchange: the simulator behind Binance's REST, stream and WebSocket protocol."""
