"""One file, one order type: its request, its checks, its flow, its command."""
