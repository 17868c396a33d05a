"""What was achieved: execution reports and performance."""
