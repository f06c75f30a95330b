"""Reading programs out of replies: never raises, never executes."""

import builtins
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.llm.parsing import blocks, extract

PROGRAM = "import torch\n\nclass ModelNew(torch.nn.Module):\n    pass\n"


def reply(*parts: str) -> str:
    return "\n".join(parts)


def test_last_python_block_wins():
    text = reply(
        "I fuse both loops.", "```python", "a = 1", "```", "no, better:", "```py", "a = 2", "```", "bye"
    )
    found = extract(text)
    assert found.source == "a = 2\n"
    assert found.idea == "I fuse both loops."
    assert found.refusal == ""


def test_a_block_may_hold_shorter_fences():
    inner = 'doc = """\n```\nnot the end\n```\n"""\n'
    assert extract(f"````python\n{inner}````").source == inner


def test_tilde_fences_and_attributes():
    assert extract("~~~ {.python}\nx = 1\n~~~").source == "x = 1\n"
    assert extract("```python title=x\nx = 1\n```").source == "x = 1\n"


def test_unlabelled_block_counts_only_if_it_is_python():
    assert extract("```\nx = 1\n```").source == "x = 1\n"
    assert extract("```\n$ make it so\n```").source is None


def test_cpp_after_python_is_not_the_program():
    assert extract("```python\nx = 1\n```\nfor example\n```cpp\nint x;\n```").source == "x = 1\n"


def test_bare_program_without_a_fence():
    assert extract(PROGRAM).source == PROGRAM
    assert extract("hello").source is None


def test_refusals_say_why():
    assert "empty" in extract("  \n").refusal
    assert "no code block" in extract("I cannot do that.").refusal
    assert "none of them was Python" in extract("```cpp\nint x;\n```").refusal
    assert "cut off" in extract("```python\nx = 1\n").refusal
    assert "cut off" in extract("```python\nx = 1\n```\nbetter:\n```python\nx = ").refusal
    assert "token limit" in extract("Let me think about", cut_off=True).refusal
    assert "empty" in extract("```python\n\n```").refusal
    assert "zero byte" in extract("```python\nx\0\n```").refusal


def test_a_whole_program_counts_even_if_the_talk_after_it_was_cut():
    assert extract("```python\nx = 1\n```\nThis is bec", cut_off=True).source == "x = 1\n"


def test_windows_line_ends():
    assert extract("idea\r\n```python\r\nx = 1\r\n```\r\n").source == "x = 1\r\n"


fragments = st.lists(
    st.sampled_from(
        ["```", "```python", "~~~", "````", "x = 1", "class A: pass", "\0", "(" * 300, "\r", "", "é"]
    )
    | st.text(max_size=20),
    max_size=12,
).map("\n".join)


@given(fragments | st.text(max_size=200), st.booleans())
def test_never_raises_and_decides(text, cut_off):
    found = extract(text, cut_off=cut_off)
    assert (found.source is None) == bool(found.refusal)
    assert found.source is None or found.source.endswith("\n")
    assert "\n" not in found.idea


@given(fragments)
def test_never_executes(text):
    boom = mock.Mock(side_effect=AssertionError("executed"))
    with mock.patch.object(builtins, "exec", boom), mock.patch.object(builtins, "eval", boom):
        extract(text + "\n```python\nexec('1')\n```")


@given(st.text(alphabet=st.characters(exclude_characters="`~\r\0", exclude_categories=["Cs"]), max_size=80))
def test_round_trip(body):
    program = "x = 1\n" + body + "\n"
    assert extract(f"talk\n```python\n{program}```\nmore talk").source == program


@given(fragments)
def test_blocks_partition_the_lines(text):
    found = blocks(text)
    assert all(b.closed for b in found[:-1])
    assert sum(len(b.text) for b in found) <= len(text)


def test_an_unlabelled_block_beside_the_program_is_not_the_program():
    for aside in ("make", "1.8", "O(n)", "reads = 3 * N"):
        text = reply("```python", "x = 1", "```", "Compare:", "```", aside, "```")
        assert extract(text).source == "x = 1\n"
    assert extract(reply("```", "x = 1", "```", "then", "```", "x = 2", "```")).source == "x = 2\n"


@pytest.mark.parametrize(
    ("info", "language"),
    [
        ("python:program.py", "python"),
        ("Python:src/program.py", "python"),
        ("program.py", "python"),
        ("./program.py", "python"),
        ("title=program.py", "python"),
        ("python,linenos", "python"),
        ("python{.numberLines}", "python"),
        ("{.python .numberLines}", "python"),
        ("cpp:main.cpp", "cpp"),
        ("main.cc", "cpp"),
        ("c++20", "cpp"),
        ("C++2a", "c++"),
        ("cpp17", "cpp"),
        ("rust,ignore", "rs"),
        ("kernel.cu", "cuda"),
    ],
)
def test_what_else_stands_with_the_language_behind_a_fence(info, language):
    assert extract(f"```{info}\nx = 1\n```", language=language).source == "x = 1\n"


@pytest.mark.parametrize("info", ["cpp:main.cpp", "setup.cfg", "python-repl", "c++20", "c20h12", "text:x.py"])
def test_a_label_of_another_language_stays_one(info):
    assert extract(f"```{info}\nx = 1\n```").source is None


def test_a_file_of_another_name_is_not_the_program_if_one_is_there():
    test = reply("```{}", "assert f()", "```")
    for label in ("python", "python:program.py", "program.py"):
        program = reply(f"```{label}", "x = 1", "```")
        for other in ("python:test.py", "python test.py", "test.py"):
            assert extract(reply(program, test.format(other))).source == "x = 1\n", (label, other)
    bare = reply("```", "def f(): ...", "```")
    assert extract(reply(bare, test.format("test.py"))).source == "def f(): ...\n"
    named = reply("```fast.py", "def f(): ...", "```", "takes", "```", "1.8", "```")
    assert extract(named).source == "def f(): ...\n"
