"""What other programs may rely on: wire formats and documented behaviour."""
