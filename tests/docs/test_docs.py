"""What the documentation says is so: its code runs, the site is built (links and flags: ``test_house``)."""

import importlib.util
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.docs.pages import PAGES, ROOT, blocks

# what takes long in earnest takes little here
SHORTER = {"--budget 60s": "--budget 3", 'budget="60s"': 'budget="3"', "--budget 20 ": "--budget 4 "}
COMMAND, PAGE = 300.0, 840.0  # seconds that one command may take, and all of a page; a busy machine is slow


TOLD = [p for p in PAGES if any(not b.left_out and b.language in ("python", "sh") for b in blocks(p))]


def finish(command, limit, **how):
    """Run a command to its end or its limit; return its exit code (None: it was stopped) and what it said.

    Whatever it started goes with it: a search has processes of its own.
    """
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **how,
    )
    try:
        said, _ = process.communicate(timeout=limit)
        return process.returncode, said
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        return None, said
    finally:
        if process.poll() is None:  # the test itself was stopped
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_command_that_does_not_end_is_stopped_with_what_it_started():
    began = time.monotonic()
    code, said = finish(["bash", "-c", "sleep 300 & echo $!; wait"], 0.5)
    assert code is None and time.monotonic() - began < 30
    with pytest.raises(ProcessLookupError):
        for _ in range(100):  # a killed orphan is there until init has taken note of it
            os.kill(int(said), 0)
            time.sleep(0.1)
    assert finish(["bash", "-c", "echo a; echo b >&2; exit 3"], 30.0) == (3, "a\nb\n")


@pytest.mark.slow
@pytest.mark.timeout(PAGE + 60)
@pytest.mark.parametrize("page", TOLD, ids=[p.stem for p in TOLD])
def test_a_page_runs_from_top_to_bottom(page, tmp_path):
    environment = {
        **os.environ,
        "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}:{tmp_path}",
    }
    began, took = time.monotonic(), []
    for block in blocks(page):
        text = block.text
        for long, short in SHORTER.items():
            text = text.replace(long, short)
        if block.left_out or block.language not in ("python", "sh"):
            continue
        if block.title:
            (tmp_path / block.title).write_text(text)
            continue
        command = ["bash", "-ec", text] if block.language == "sh" else [sys.executable, "-c", text]
        start, cpu = time.monotonic(), os.times()
        limit = min(COMMAND, began + PAGE - start)
        code, said = finish(command, max(limit, 1.0), cwd=tmp_path, env=environment)
        now = os.times()
        busy = now.children_user + now.children_system - cpu.children_user - cpu.children_system
        took.append(f"{time.monotonic() - start:6.1f} s, {busy:6.1f} s of processor: {text.splitlines()[0]}")
        print(took[-1], flush=True)
        told = f"{text}\n{said[-3000:]}\n" + "\n".join(took)
        assert code is not None, f"{page.name}: this did not end in {limit:.0f} s and was stopped:\n{told}"
        assert code == 0, f"{page.name}: this ended with {code}:\n{told}"


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    if importlib.util.find_spec("mkdocs") is None:
        pytest.skip("mkdocs is not installed: the group docs has it")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "site" / "reference" / "cli.html").read_text()
    assert "--budget" in page and "kernelevo run" in page and "kernelevo steer" in page
    settings = (tmp_path / "site" / "reference" / "settings.html").read_text()
    assert "no_cold_start" in settings and "<td></td>" not in settings
    assert "https://fonts" not in page


def test_the_evaluator_of_the_page_takes_no_open_path_for_a_round_trip(tmp_path):
    """``order[1:] + order[:1]`` adds numbers where the order is an array, and the way back is left out."""
    from kernelevo.core import Program, Status, Task
    from kernelevo.evaluators import load
    from kernelevo.evaluators.contract import broken_promises

    (page,) = (p for p in PAGES if p.stem == "own-evaluator")
    (block,) = (b for b in blocks(page) if b.title == "tour.py")
    (tmp_path / "tour.py").write_text(block.text)
    judge = load(Task("tour", "", (), f"{tmp_path}/tour.py:tour"))
    (seed,) = judge.seeds()
    honest = judge(seed)
    array = "import numpy\n\n\ndef solve(points):\n    return numpy.arange(len(points))\n"
    assert honest.status is Status.OK and judge(Program.single(array)).status is Status.WRONG
    assert broken_promises(f"{tmp_path}/tour.py:tour") == []
