"""The same flow in real and in virtual time."""
