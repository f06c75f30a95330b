"""A folder that may really not be written: exit code 3, and what, why and what now."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.api.tiny import MODULE, TOUR
from tests.few import few

NOBODY = 65534
# a rehearsal that fails at the same place imports all that is needed: the interpreter may lie where nobody
# else may read
CODE = f"""
import sys
sys.path[:] = {sys.path!r}
import contextlib, io, os, cloudpickle, torch
import kernelevo.api, kernelevo.tasks.module, kernelevo.backends.pickled
from kernelevo.cli.main import run_command
with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
    run_command(["run", "net.py", "--budget", "3", "--out", "net.py/run"])
    run_command(["resume", "nope"])
    run_command(["show", "nope"])
if os.getuid() == 0:
    os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
"""
RUN = "sys.exit(run_command(sys.argv[1:]))"
OPTIMIZE = """
from kernelevo.errors import KernelEvoError
try:
    module, inputs = torch.nn.Linear(2, 2), torch.ones(1, 2)
    kernelevo.api.optimize(module, inputs, budget="1", out=sys.argv[1], progress=False)
except KernelEvoError as error:
    print(type(error).__name__, error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


@pytest.fixture
def shut():
    """A folder that anyone may read and enter and nobody may write; pytest's own is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="kernelevo-shut-"))
    (folder / "net.py").write_text(MODULE)
    (folder / "tour.py").write_text(TOUR)
    (folder / "empty").mkdir()
    for path in (folder, folder / "empty"):
        path.chmod(0o555 if os.getuid() == 0 else 0o500)
    yield folder
    for path in (folder, folder / "empty"):
        path.chmod(0o700)
    shutil.rmtree(folder)


def run(folder, code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", CODE + code, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "" and "Traceback" not in done.stderr and "bug" not in done.stderr, done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize("out", few(["new", "new/deeper", "empty", ""], 1))
def test_a_run_in_a_folder_that_cannot_be_written(shut, out):
    code, said = run(shut, RUN, "run", "net.py", "--budget", "3", *(["--out", out] if out else []))
    assert code == 3, said
    assert (out.partition("/")[0] or "runs") in said
    assert "why  Permission denied" in said and "now  check the folder's owner" in said and "--out" in said


@pytest.mark.slow
def test_a_detached_run_in_a_folder_that_cannot_be_written(shut):
    code, said = run(shut, RUN, "run", "net.py", "--budget", "3", "--out", "empty", "--detach")
    assert code == 3 and "Unwritable: empty/run.log cannot be written" in said
    assert "why  Permission denied" in said and "now  check the folder's owner" in said


@pytest.mark.slow
def test_a_live_module_in_a_folder_that_cannot_be_written(shut):
    code, said = run(shut, OPTIMIZE, "new")
    assert code == 3 and "Unwritable the module cannot be kept in new" in said
    assert "why  Permission denied" in said and "now  check" in said


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a folder of another user")
def test_a_run_of_somebody_else_is_read_and_not_resumed(shut):
    from kernelevo.cli.main import run_command

    there, before = shut / "empty", Path.cwd()
    os.chdir(shut)
    try:
        tour = ["run", "tour.py:tour", "--proposers", "mailbox", "--mailbox", "empty/box", "--budget", "1s"]
        assert run_command([*tour, "--out", "empty/theirs"]) == 0
    finally:
        os.chdir(before)
    shutil.rmtree(there / "box")
    code, said = run(shut, RUN, "resume", "empty/theirs")
    assert code == 3 and "cannot be written" in said and "why  Permission denied" in said
    code, said = run(shut, "os.dup2(2, 1)\n" + RUN, "show", "empty/theirs", "--csv")
    assert code == 0 and "seed,,ok,3.0" in said


@pytest.mark.slow
def test_a_file_in_the_way_is_the_users_to_move(shut):
    code, said = run(shut, RUN, "run", "net.py", "--budget", "3", "--out", "net.py/run")
    assert code == 2 and "Not a directory" in said and "another folder" in said
