"""The command line's tests live in an empty folder with the door's tiny tasks in it."""

from tests.api.conftest import elsewhere, quick_judge, zygote

__all__ = ["elsewhere", "quick_judge", "zygote"]
