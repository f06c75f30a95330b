"""Of a compiler's words those reach a verdict that tell what is wrong: the first error, not the last ones."""

from pathlib import Path

import pytest

from kernelevo.backends import compiler_log
from kernelevo.backends.compiler_log import first_error, shortened
from kernelevo.backends.cpp import cpp
from kernelevo.errors import BuildError
from kernelevo.kernels.children.worker import _failure
from kernelevo.kernels.faults.failed import _with_log


def test_a_long_log_begins_with_its_first_error() -> None:
    warnings = [f"source.cpp:{i}:1: warning: unused" for i in range(60)]
    errors = [f"source.cpp:{i}:1: error: number {i}" for i in range(100, 200)]
    cut = shortened("\n\n".join([*warnings, *errors]))
    lines = cut.splitlines()
    assert lines[4] == errors[0] and lines[0] == warnings[-4]
    assert len(lines) == compiler_log.MOST_LINES + 1 and lines[-1] == "... 132 more lines"
    assert first_error("\n".join(warnings + errors)) == errors[0]


def test_short_logs_stay_whole_and_long_lines_are_cut() -> None:
    assert shortened("a: error: b\n  c\n") == "a: error: b\n  c"
    assert shortened("nothing of the kind") == first_error("nothing of the kind") == "nothing of the kind"
    wide = shortened("a: error: " + "x" * 10_000)
    assert wide.startswith("a: error: xxx") and wide.endswith(" ...") and len(wide) < 300


def test_the_first_of_many_errors_reaches_the_verdict(private_cache: Path) -> None:
    body = "\n".join(f"  x[{i}] = undeclared_{i} + std::vector<double>().no_such_{i};" for i in range(200))
    with pytest.raises(BuildError) as caught:
        cpp(f'#include <vector>\nextern "C" void f(float* x) {{\n{body}\n}}\n')
    told = _failure(caught.value, "construct")["error"]
    words = _with_log(f"{told['what']}\n{told['why']}", told["log"])
    assert "x[0] = undeclared_0" in words  # gcc shows the line below the error
    assert "more lines" in words
