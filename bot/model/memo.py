"""What is worked out once of a value, and shared by all who ask while that value lives."""

import weakref
from collections.abc import Callable
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")


def memo(compute: Callable[[S], T]) -> Callable[[S], T]:
    """Keeps `compute(value)` while `value` lives. By identity: to hash a snapshot costs more than most answers."""
    kept: dict[int, tuple[weakref.ref[S], T]] = {}

    def get(value: S) -> T:
        key = id(value)
        hit = kept.get(key)
        if hit is not None and hit[0]() is value:
            return hit[1]
        answer = compute(value)

        def forget(gone: "weakref.ref[S]") -> None:
            if key in kept and kept[key][0] is gone:
                del kept[key]

        kept[key] = (weakref.ref(value, forget), answer)
        return answer

    return get
