"""How the paper exchange spells numbers, orders, accounts and markets on the wire."""
