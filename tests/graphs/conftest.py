"""The room's programs are C++ that begins with our headers: read once, not for each."""

import pytest

from kernelevo.backends import precompiled
from kernelevo.backends.cache import BuildCache
from kernelevo.backends.cpp import precompile_headers


@pytest.fixture(scope="session", autouse=True)
def _headers_are_precompiled():
    precompile_headers(*precompiled.OURS[1:], cache=BuildCache.here())
