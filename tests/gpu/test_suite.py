"""The scripts for a GPU machine, as far as they go without one."""

from benchmarks.gpu import rehearsal, suite
from kernelevo.tasks import load_task


def test_every_solution_names_a_task() -> None:
    found = suite.solutions("")
    assert found
    for path, task in found:
        assert path.is_file() and load_task(task, device="cuda").evaluator == "kernel"
    assert suite.solutions("no such text") == []


def test_sources_are_found_without_building() -> None:
    text = "import kernelevo\nlib = kernelevo.cuda('__global__ void f(int* x) {}', options=('-DA=1',))\n"
    assert rehearsal._cuda_sources(text) == [("__global__ void f(int* x) {}", (), ("-DA=1",))]
    assert rehearsal._cuda_sources("S = '__global__ void f(int* x) {}'\n") == [
        ("__global__ void f(int* x) {}", (), ())
    ]


def test_a_source_that_does_not_compile_is_a_row() -> None:
    name, _, error = rehearsal._tried(
        "x", lambda: rehearsal._cuda("__global__ void f() { y = 1; }", (), (), "sm_90")
    )
    assert name == "x" and error is not None and "undefined" in error
