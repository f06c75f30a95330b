"""The command line's tests live in an empty folder with the door's tiny tasks in it."""

from tests.api.conftest import build_cache, elsewhere, quick_judge, zygote

__all__ = ["build_cache", "elsewhere", "quick_judge", "zygote"]
