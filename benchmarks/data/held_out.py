"""The choice of what is held out."""

import hashlib
from collections.abc import Iterable


def held_out(groups: Iterable[str], share: float, seed: int) -> set[str]:
    """Returns the rounded `share` of different names, with the smallest hashes of seed and name.

    >>> sorted(held_out("abcdefgh", share=0.25, seed=0))
    ['e', 'g']
    """
    different = set(groups)
    ranked = sorted(
        different, key=lambda group: hashlib.sha256(f"{seed} {group}".encode()).digest()
    )
    return set(ranked[: round(share * len(different))])
