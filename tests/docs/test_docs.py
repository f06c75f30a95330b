"""What the documentation says is so: its code runs, the site is built (links and flags: ``test_house``)."""

import importlib.util
import os
import subprocess
import sys

import pytest

from tests.docs.pages import PAGES, ROOT, blocks

# what takes long in earnest takes little here
SHORTER = {"--budget 60s": "--budget 3", 'budget="60s"': 'budget="3"', "--budget 20 ": "--budget 4 "}


TOLD = [p for p in PAGES if any(not b.left_out and b.language in ("python", "sh") for b in blocks(p))]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", TOLD, ids=[p.stem for p in TOLD])
def test_a_page_runs_from_top_to_bottom(page, tmp_path):
    environment = {
        **os.environ,
        "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}:{tmp_path}",
    }
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
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{text}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"


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
