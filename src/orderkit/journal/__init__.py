"""The write-ahead journal of jobs, intents, orders and fills."""
