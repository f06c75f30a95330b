"""OneWay: random numbers that a program may see some of, without learning from them what comes next.

Python's own generator is linear in its state: whoever has seen a few thousand of its bits (the seeds of timed
calls, where a call's values begin in a buffer) can solve for the rest, and answer calls before they are made.
"""

from __future__ import annotations

import hashlib
import random
from typing import Any


class OneWay(random.Random):
    """A ``random.Random`` whose bits are hashes of a secret and a counter (BLAKE2b in counter mode).

    Args:
        secret: equal ones give equal numbers.
    """

    def __init__(self, secret: int) -> None:
        self._key = hashlib.blake2b(str(secret).encode()).digest()
        self._count, self._left, self._bits = 0, 0, 0
        super().__init__(0)

    def getrandbits(self, k: int, /) -> int:
        """Return a whole number of so many bits; raises ValueError for fewer than none."""
        if k < 0:
            raise ValueError("number of bits must be non-negative")
        while self._left < k:
            block = hashlib.blake2b(self._count.to_bytes(8, "big"), key=self._key).digest()
            self._count += 1
            self._bits |= int.from_bytes(block, "big") << self._left
            self._left += 512
        found = self._bits & ((1 << k) - 1)
        self._bits >>= k
        self._left -= k
        return found

    def random(self) -> float:
        """Return a number from 0 to below 1, in steps of 2**-53."""
        return self.getrandbits(53) * 2.0**-53

    def seed(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the secret is given once."""

    def getstate(self) -> Any:
        """Refuse: nobody is to copy it; raises NotImplementedError."""
        raise NotImplementedError("its state is secret")
