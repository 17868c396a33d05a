"""Numbers that look like chance and are the same on every machine and in every run of a job."""

from decimal import Decimal


def chance(seed: str) -> Decimal:
    """From -1 to 1, evenly."""
    from hashlib import sha256  # OpenSSL, which no help page needs

    return Decimal(int.from_bytes(sha256(seed.encode()).digest()[:8])) / 2**63 - 1
