"""What may be sent at all: limits and the trading state, checked before anything reaches a gateway."""
