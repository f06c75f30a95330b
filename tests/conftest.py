"""Settings of all tests: property tests have no deadline, and where changes are checked they draw alike.

Winners are not looked at with the sanitizer (some 10 s each), but where that is tested.
"""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from kernelevo.device.heap import keep_freed
from kernelevo.sandbox import stock
from tests import judges

os.environ.setdefault("KERNELEVO_SANITIZER", "off")
keep_freed()  # as every process of ours that judges
# notes of a person's own are neither read nor written by tests
_NOTES = tempfile.TemporaryDirectory(prefix="kernelevo-notes-")
os.environ["KERNELEVO_KNOWLEDGE"] = os.path.join(_NOTES.name, "knowledge.db")


def pytest_configure(config: pytest.Config) -> None:
    """Draw alike where changes are checked, and fewer examples where the slow tests are left out too."""
    examples = 40 if "not slow" in (config.option.markexpr or "") else 100
    alike = bool(os.environ.get("CI"))
    settings.register_profile("ours", deadline=None, derandomize=alike, max_examples=examples)
    settings.load_profile("ours")


@pytest.fixture(autouse=True)
def _judges_rest(request):
    """Let judges of other tests rest (see ``tests.judges``)."""
    if "judge" in request.fixturenames:
        yield
        return
    with judges.resting():
        yield


@pytest.fixture(scope="session", autouse=True)
def _zygotes_are_kept() -> Iterator[None]:
    """Let a judge find the zygote warm that one before it used."""
    with stock.kept():
        yield


@pytest.fixture(scope="session")
def build_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One build cache for all that is not about caches: what is built once is found by everybody."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session", autouse=True)
def _folders_are_open(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let other users pass through pytest's folders where tests run as root: sandboxed processes are such."""
    if os.getuid() != 0:
        yield
        return
    make = tmp_path_factory.mktemp

    def mktemp(basename: str, numbered: bool = True) -> Path:
        path = make(basename, numbered)
        path.chmod(0o755)
        return path

    # a root of this process alone: each pytest that begins closes the common one again
    with (
        tempfile.TemporaryDirectory(prefix="kernelevo-tests-") as root,
        pytest.MonkeyPatch.context() as patch,
    ):
        Path(root).chmod(0o711)
        patch.setenv("PYTEST_DEBUG_TEMPROOT", root)
        base = tmp_path_factory.getbasetemp()
        patch.delenv("PYTEST_DEBUG_TEMPROOT")
        for folder in (base, base.parent):
            folder.chmod(0o711)
        patch.setattr(tmp_path_factory, "mktemp", mktemp)
        yield


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C is Python's own here, also where the tests are a shell's background job, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
