"""The vocabulary every room shares: instruments, orders, fills, markets, events and commands. No IO."""
