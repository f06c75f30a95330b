"""A program's build reads nothing that it was not granted: neither its objects nor its log hold the content.

Each way is tried twice: on a file in the program's own folder, where it has to work (so that a way that
stopped working does not pass for a door that is shut), and on a file outside.
"""

import os
import secrets
import subprocess
import tempfile
from pathlib import Path

import pytest

from kernelevo.backends import toolchain
from kernelevo.core import Program
from kernelevo.sandbox import landlock
from tests.kernels import reaching
from tests.kernels.conftest import candidate

pytestmark = pytest.mark.skipif(landlock.abi() < 1, reason="needs Landlock")
HONEST = candidate("return RESULT")


def tools() -> dict[str, str]:
    nvcc, ninja = toolchain.nvcc(), toolchain.ninja()
    return {"CXX": toolchain.compiler().path, "NVCC": nvcc.path if nvcc else "", "NINJA": ninja.path}


@pytest.fixture
def home():
    """A folder that file modes leave open to everybody (pytest's own are closed)."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / ".ssh"


def secret() -> str:
    return f"secret_{secrets.token_hex(8)}"


def plain(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()]


def put(folder: Path, content: str) -> dict[str, str]:
    """Write the files that are reached for, each world-readable; return their paths by kind."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    source = folder / "library.cpp"
    source.write_text(reaching.LIBRARY.format(content=content))
    paths = {name: folder / name for name in ("id_rsa", "library", "as", "specs")}
    command = [toolchain.compiler().path, "-shared", "-fPIC", "-o", str(paths["library"]), str(source)]
    subprocess.run(command, check=True)
    source.unlink()
    paths["id_rsa"].write_text(content + "\n")
    paths["as"].write_text(reaching.PROGRAM.format(content=content))
    paths["specs"].write_text(reaching.SPECS.format(content=content))
    for path in paths.values():
        path.chmod(0o755)
    return {name: str(path) for name, path in paths.items()}


def ways(paths: dict[str, str]) -> list[tuple[str, str, str]]:
    reading = reaching.PLAIN | (reaching.CUDA if toolchain.nvcc() else {})
    found = [(name, way, paths["id_rsa"]) for name, way in reading.items()]
    return found + [(name, way, paths[kind]) for name, (kind, way) in reaching.ACTING.items()]


def text(top: str) -> str:
    return top + HONEST


def worked(folder: Path, tried: list[tuple[str, str, str]], content: str) -> set[str]:
    """Return the ways after which the content lies in their folders."""
    found = set()
    for number, (name, _, _) in enumerate(tried):
        where = folder / f"reach-{number}"
        assert (where / "said").is_file(), name
        if any(content.encode() in p.read_bytes() for p in plain(where)):
            found.add(name)
    return found


def test_compilers_reach_nothing_outside(judge, home):
    content = secret()
    outside = put(home, content)
    tried = ways(outside)
    artifact = judge.prepare(Program.single(text(reaching.TOP.format(ways=tried, tools=tools()))))
    assert artifact.verdict is None, artifact.verdict.feedback
    assert worked(artifact.folder, tried, content) == set()


def test_the_same_ways_work_on_a_file_of_ones_own(judge, tmp_path):
    content = secret()
    given = put(tmp_path / "given", content)
    # a program cannot be given files: it gets them in its text, and writes them itself
    files = {name: Path(path).read_bytes() for name, path in given.items()}
    top = (
        "import os\nOWN = os.path.join(os.environ['TMPDIR'], 'own')\n"
        f"FILES = {files!r}\n"
        "if os.environ['KERNELEVO_STAGE'] == 'build':\n"
        "    os.makedirs(OWN)\n"
        "    for name, data in FILES.items():\n"
        "        made = os.open(os.path.join(OWN, name), os.O_WRONLY | os.O_CREAT, 0o755)\n"
        "        with open(made, 'wb') as file: file.write(data)\n"
    )
    own = {name: f"OWN/{name}" for name in files}
    tried = ways(own)
    rest = reaching.TOP.format(ways=tried, tools=tools())
    # compilers before C23; a linker that quotes nothing of a script with a mistake
    may = {"embed", "script of the linker"}
    artifact = judge.prepare(Program.single(text(top + rest)))
    assert artifact.verdict is None, artifact.verdict.feedback
    cannot = {name for name, _, _ in tried} - worked(artifact.folder, tried, content)
    numbers = {name: number for number, (name, _, _) in enumerate(tried)}
    said = {n: (artifact.folder / f"reach-{numbers[n]}" / "said").read_text()[-500:] for n in cannot}
    assert cannot <= may, said


def test_doors_of_torch_and_our_own_are_shut_too(judge, home):
    content = secret()
    outside = put(home, content)
    program = text(reaching.DOORS.format(path=outside["id_rsa"]))
    artifact = judge.prepare(Program.single(program))
    assert artifact.verdict is None, artifact.verdict.feedback
    said = {p.name: p.read_bytes() for p in artifact.folder.glob("knock-*")}
    assert len(said) == 5
    assert [name for name, words in said.items() if content.encode() in words] == []
    assert [p for p in plain(artifact.folder) if content.encode() in p.read_bytes()] == []
    assert all(b"Error" in words for words in said.values())
    assert b"ermission denied" in said["knock-open"] and b"ermission denied" in said["knock-cpp"]


def test_the_machines_users_are_not_readable(judge):
    first = Path("/etc/passwd").read_text().splitlines()[0]
    tried = [(name, way, "/etc/passwd") for name, way in reaching.PLAIN.items()]
    artifact = judge.prepare(Program.single(text(reaching.TOP.format(ways=tried, tools=tools()))))
    assert artifact.verdict is None, artifact.verdict.feedback
    assert worked(artifact.folder, tried, first) == set()


def test_what_a_failed_build_tells_holds_nothing_of_a_file(judge, home):
    content = secret()
    outside = put(home, content)
    source = "import kernelevo\nkernelevo.cpp('#include \"{}\"')\n".format(outside["id_rsa"])
    verdict = judge.prepare(Program.single(text(source))).verdict
    assert str(verdict.status) == "build_failed" and "ermission denied" in verdict.feedback
    assert content not in repr(verdict)


def test_no_root_is_above_what_it_is_for():
    """What is granted beside a program's own folder: no home, no configuration, nobody's files."""
    from kernelevo.sandbox.limits import Limits, rules

    granted = {os.path.realpath(rule.path) for rule in rules(Limits("build", Path("/nowhere/scratch")))}
    for path in ("/etc/passwd", "/etc/shadow", str(Path.home() / ".ssh"), "/var/log", "/tmp", "/dev/shm"):
        assert not any(Path(path).is_relative_to(root) for root in granted), path
