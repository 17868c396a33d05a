"""The way to an exchange: one gateway interface, REST and streams behind it."""
