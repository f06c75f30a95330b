"""A bare machine: a virtual environment that holds exactly the distributions named and what they require.

Nothing is downloaded: the files of its site-packages are second names (hard links) of what is installed here.
So everything else is really not there, and what is there lies in its place, for a sandbox that looks at that.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
# what a bare GPU machine has (NVRTC comes with its torch), as far as it is installed here; not its
# scikit-learn, whose joblib brings a cloudpickle that nothing here may lean on
ALLOWED = (
    "torch", "triton", "cuda-bindings", "cuda-core", "nvidia-cuda-nvrtc", "numpy", "ninja", "rich", "typer",
)  # fmt: skip
REQUIRED = ("torch", "numpy", "ninja", "rich", "typer")
FORBIDDEN = (
    "pydantic",
    "openai",
    "ray",
    "nicegui",
    "optuna",
    "libcst",
    "cloudpickle",
    "hypothesis",
    "pytest",
)


@dataclass(frozen=True)
class Machine:
    """An environment that was built.

    Args:
        folder: where it lies.
        distributions: what it holds, by canonical name.
    """

    folder: Path
    distributions: frozenset[str]

    def python(self, *arguments: str, timeout: float = 280.0) -> subprocess.CompletedProcess[str]:
        """Run its Python on this checkout, without anything of the surrounding environment."""
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "KERNELEVO"))
        }
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        environment = {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [str(self.folder / "bin" / "python"), *arguments],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


def build(folder: Path, allowed: Iterable[str] = ALLOWED) -> Machine:
    """Build an environment in an empty folder.

    Raises:
        ValueError: if something that it must have is not installed, or requires what it may not have.
    """
    installed = {canonicalize_name(d.name): d for d in importlib.metadata.distributions()}
    names = frozenset(closure(allowed, installed))
    if wrong := names & set(FORBIDDEN):
        raise ValueError(f"{', '.join(allowed)} require {wrong}: install with -c constraints.txt")
    if missing := set(REQUIRED) - names:
        raise ValueError(f"not installed here: {missing}")
    venv.create(folder, symlinks=True, with_pip=False)
    (site,) = (folder / "lib").glob("python3*/site-packages")
    for name in names:
        for file in inside(installed[name]):
            lay(Path(str(installed[name].locate_file(file))), site / file)
    return Machine(folder, names)


def closure(allowed: Iterable[str], installed: dict[str, importlib.metadata.Distribution]) -> Iterator[str]:
    """Yield the names of the installed ones among the allowed and of all that they require."""
    seen: set[str] = set()
    waiting = [canonicalize_name(name) for name in allowed]
    while waiting:
        name = waiting.pop()
        if name in seen or name not in installed:
            continue
        seen.add(name)
        yield name
        for line in installed[name].requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(canonicalize_name(requirement.name))


def inside(distribution: importlib.metadata.Distribution) -> Iterator[Path]:
    """Yield a distribution's files in site-packages, relative to it."""
    for file in distribution.files or []:
        path = Path(str(file))
        if path.parts[0] != ".." and not path.is_absolute():
            yield path


def lay(source: Path, target: Path) -> None:
    """Give a file a second name; where that cannot be, copy it."""
    if target.exists() or not source.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


if __name__ == "__main__":
    print(sorted(build(Path(sys.argv[1])).distributions))
