"""The console's pure parts."""
