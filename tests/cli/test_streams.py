"""Standard streams that are closed, full, or that nobody reads: work goes on, and nothing of it is lost."""

import os
import subprocess
import sys

import pytest

from kernelevo.store import RunStore
from tests.cli.test_main import MAIN, made
from tests.few import few

CODE = f"import sys; sys.path[:] = {sys.path!r}\n{MAIN}"
# six trials and the seed
RUN = ("run", "tour.py:tour", "--budget", "6", "--out", "-o")


def told(folder, words, **streams):
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words],
        **{"stderr": subprocess.PIPE, **streams},
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
    )
    return done.returncode, done.stderr


@pytest.fixture
def unread():
    """The end of a pipe whose reader has left."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def ended(folder):
    with RunStore.open(folder / "-o", readonly=True) as store:
        return store.state, len(store.trials())


@pytest.mark.parametrize(
    "words", few([["show", "here", "--csv"], ["runs"], ["runs", "--json"], ["--help"]], 1)
)
def test_an_output_that_takes_nothing_is_no_bug(elsewhere, unread, words):
    made(elsewhere / "here")
    made(elsewhere / "runs" / "one")
    assert told(elsewhere, words, stdout=unread) == (0, "")
    with open("/dev/full", "w") as full:
        code, said = told(elsewhere, words, stdout=full)
    assert code == 3 and "No space left" in said and "Traceback" not in said and "bug" not in said


@pytest.mark.parametrize("more", few([[], ["--json"]], 1))
def test_a_run_goes_on_where_nobody_reads_what_it_says(elsewhere, unread, more):
    code, said = told(elsewhere, [*RUN, *more], stdout=unread)
    assert code == 0 and ended(elsewhere) == ("done", 7)
    assert said.count("nobody reads what is printed here any more; the work goes on") == (not more)
    assert more or "every trial: kernelevo show ./-o" in said  # which would be a flag without ./


def test_a_run_goes_on_where_its_words_have_no_room(elsewhere):
    with open("/dev/full", "w") as full:
        code, _ = told(elsewhere, RUN, stdout=subprocess.DEVNULL, stderr=full)
    assert code == 0 and ended(elsewhere) == ("done", 7)


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_streams_that_were_closed_are_nobodys_database(elsewhere, more):
    """The next file that is opened would be stdout, and what is said would stand in it."""
    words = " ".join([*RUN, *more])
    code, _ = told(elsewhere, [*RUN, *more], preexec_fn=lambda: [os.close(n) for n in (0, 1, 2)])
    assert code == 0 and ended(elsewhere) == ("done", 7), words
