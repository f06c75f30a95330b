"""InPlace: Triton's cache of kernels where no file may be renamed from one folder into another.

Triton writes a file in a folder of its own and renames it out of there. The first version of Landlock (Linux
5.13 to 5.18) refuses that to every process that it binds. Triton loads this class by its name, from
``TRITON_CACHE_MANAGER``, in children whose limits have put it there.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

from triton.runtime.cache import FileCacheManager


class InPlace(FileCacheManager):  # type: ignore[misc]  # Triton has no types
    """Triton's own cache, except that what becomes a file lies beside it until it is whole."""

    def put(self, data: Any, filename: str, binary: bool = True) -> str:
        """Keep data (bytes, or what is written as text) under a name and return the file's path."""
        path = os.path.join(self.cache_dir, filename)
        partial = os.path.join(self.cache_dir, f"partial.{os.getpid()}.{uuid.uuid4().hex}")
        with open(partial, "wb") as file:
            file.write(data if isinstance(data, bytes) else str(data).encode())
        os.replace(partial, path)
        return path
