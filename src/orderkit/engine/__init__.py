"""The synchronous core: events in, journal entries and commands out. No IO, no clock, no randomness."""
