"""What the paper exchange answers: one module per group of routes, each with its table of endpoints."""
