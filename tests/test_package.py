"""The wheel: built from this checkout, it works elsewhere, with its tasks and native sources inside."""

import importlib.metadata
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
WHERE = "import kernelevo; print(kernelevo.__file__)"
# a bundled task and a native source: what a wheel without its data would lack
LOADS = """
from kernelevo.backends.source_tree import csrc
from kernelevo.tasks import load_task
task = load_task("ops/softmax")
print(task.options["reference"]["text"][:6000])
print((csrc() / "include" / "kernelevo.h").is_file())
"""


def missing() -> str:
    """Say what building lacks here; empty if nothing."""
    # not by find_spec: setuptools takes looking for pip as a sign that its distutils is not wanted any more
    installed = {distribution.name for distribution in importlib.metadata.distributions()}
    lacking = sorted({"pip", "hatchling"} - installed)
    return f"{', '.join(lacking)} not installed: python -m pip install {' '.join(lacking)}" if lacking else ""


pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]


def done(command: list[str], cwd: Path, **environ: str) -> str:
    """Return what a command printed; nothing of this checkout is on its path."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "KERNELEVO"))} | environ
    ran = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, f"{command}\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"
    return ran.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the checkout, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [*PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    done([*build, str(ROOT)], folder)
    (made,) = folder.glob("kernelevo-*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel installs and nothing else."""
    target = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--no-deps", "--no-index", "--no-compile", "--target", str(target)]
    done([*PIP, "install", *options, str(wheel)], target)
    return target


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no git checkout: nothing lists its files")
def test_it_holds_all_that_the_checkout_has_and_no_more(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    listing = ["git", "ls-files", "-co", "--exclude-standard", "kernelevo", "csrc", "kernelbench_tasks"]
    tracked = done(listing, ROOT).splitlines()
    places = {"csrc": "kernelevo/_csrc", "kernelbench_tasks": "kernelevo/_tasks"}
    wanted = set()
    for name in tracked:
        room, _, rest = name.partition("/")
        wanted.add(f"{places.get(room, room)}/{rest}")
    assert wanted - inside == set()
    beyond = {name for name in inside - wanted if ".dist-info/" not in name}
    assert beyond == set()


def test_it_works_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    only = {"PYTHONPATH": str(installed), "HOME": str(tmp_path), "KERNELEVO_CACHE": str(tmp_path / "cache")}
    where = Path(done([sys.executable, "-c", WHERE], tmp_path, **only).strip())
    assert where.is_relative_to(installed)
    report = json.loads(done([sys.executable, "-m", "kernelevo", "doctor", "--json"], tmp_path, **only))
    assert {"python", "torch"} <= {row["name"].split()[0].lower() for row in report["checks"]}
    text, sources = done([sys.executable, "-c", LOADS], tmp_path, **only).rstrip().rsplit("\n", 1)
    assert "class Model" in text and "softmax" in text and sources == "True"
