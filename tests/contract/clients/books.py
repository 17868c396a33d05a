"""A local order book kept from the diff stream in the documented way, and one to compare it with."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

Book = dict[str, dict[Decimal, Decimal]]


def of(document: Any) -> Book:
    """The sides of a depth document, by price."""
    return {
        side: {Decimal(str(price)): Decimal(str(quantity)) for price, quantity, *_ in document[side]}
        for side in ("bids", "asks")
    }


def synchronised(snapshot: Any, updates: list[Any]) -> Book:
    """Drop what is older than the snapshot, start where U ≤ its id ≤ u, then each pu is the previous u."""
    book, last_id = of(snapshot), snapshot["lastUpdateId"]
    kept = [update for update in updates if update["u"] >= last_id]
    assert not kept or kept[0]["U"] <= last_id <= kept[0]["u"]
    for previous, update in pairwise(kept):
        assert update["pu"] == previous["u"]
    for update in kept:
        for side, name in (("bids", "b"), ("asks", "a")):
            for price, quantity in update[name]:
                book[side][Decimal(price)] = Decimal(quantity)
    return {side: {p: q for p, q in levels.items() if q} for side, levels in book.items()}
