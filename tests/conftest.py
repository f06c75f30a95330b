"""Settings of all tests: property tests have no deadline, and where changes are checked they draw alike.

Winners are not looked at with the sanitizer (some 10 s each), but where that is tested.
"""

import os

from hypothesis import settings

os.environ.setdefault("KERNELEVO_SANITIZER", "off")
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")
