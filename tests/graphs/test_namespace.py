"""Snippets of several graphs in one namespace: shared where equal, renamed where they clash."""

import pytest

from kernelevo.backends.tune import read_table
from kernelevo.graphs.namespace import Namespace
from kernelevo.graphs.snippet import Snippet, merged, table_text

FIRST = """
import threading
LIMIT = 3
kept = threading.local()


def scaled(x):  # LIMIT stands in this comment too
    return x * LIMIT


def run(x, kwarg=1):
    \"\"\"Return scaled x.\"\"\"
    kept.x = x
    return scaled(x) + kept.x
"""


def values(space):
    scope = {}
    for snippet in space.snippets.values():
        exec(snippet.text, scope)
    return scope


def test_equal_snippets_are_shared():
    space = Namespace()
    assert space.admit([Snippet("a", FIRST)]) == space.admit([Snippet("a", FIRST)]) == {}
    assert list(space.snippets) == ["a"]


def test_what_is_the_same_is_shared_and_state_is_not():
    space = Namespace()
    space.admit([Snippet("a", FIRST)])
    names = space.admit([Snippet("a", FIRST.replace("kept.x\n", "kept.x + 100\n"))])
    assert names == {"kept": "kept_2", "run": "run_2"}  # LIMIT and scaled are the same there
    scope = values(space)
    assert scope["run"](2) == 8 and scope["run_2"](2) == 108
    assert scope["kept"] is not scope["kept_2"] and "LIMIT_2" not in scope


def test_another_name_of_torchs_own_is_shared():
    """It need not be renamed, which would meet the keyword of the same name."""
    space = Namespace()
    text = "device = torch.device\n\n\ndef run(x):\n    return torch.ones({}, device=device('cpu'))\n"
    text = "import torch\n" + text
    space.admit([Snippet("a", text.format(1))])
    assert space.admit([Snippet("a", text.format(2))]) == {"run": "run_2"}
    scope = values(space)
    assert [len(scope[run](0)) for run in ("run", "run_2")] == [1, 2]


def test_what_reads_something_else_is_something_else():
    space = Namespace()
    space.admit([Snippet("a", FIRST)])
    names = space.admit([Snippet("a", FIRST.replace("LIMIT = 3", "LIMIT = 5"))])
    assert names == {n: f"{n}_2" for n in ("LIMIT", "scaled", "kept", "run")}
    names = space.admit([Snippet("b", FIRST.replace("LIMIT = 3", "LIMIT = 7"))])
    assert names["run"] == "run_3"
    scope = values(space)
    assert [scope[run](1) for run in ("run", "run_2", "run_3")] == [4, 6, 8]
    assert "# LIMIT stands in this comment too" in space.snippets["a_2"].text


def test_a_snippet_that_reads_a_renamed_one_goes_with_it():
    space = Namespace()
    user = Snippet("user", "def use(x):\n    return base(x) + 1\n")
    space.admit([Snippet("base", "def base(x):\n    return x\n"), user])
    names = space.admit([Snippet("base", "def base(x):\n    return -x\n"), user])
    assert names == {"base": "base_2", "use": "use_2"}
    scope = values(space)
    assert scope["use"](4) == 5 and scope["use_2"](4) == -3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def f(x):\n    return g(1, x)\n\n\ndef g(f, x):\n    return x\n", "a parameter"),
        ("def f(x):\n    return x\n\n\ndef g(x):\n    return h(f=x)\n", "a parameter"),
    ],
)
def test_a_name_with_two_meanings_is_refused(text, words):
    space = Namespace()
    space.admit([Snippet("a", "def f(x):\n    return x + 1\n")])
    with pytest.raises(ValueError, match=words):
        space.admit([Snippet("b", text.replace("return x\n", "return x + 2\n"))])


def test_names_in_f_strings_are_renamed_or_refused():
    space = Namespace()
    space.admit([Snippet("a", "word = 'one'\n\n\ndef say():\n    return f'{word}'\n")])
    try:
        names = space.admit([Snippet("a", "word = 'two'\n\n\ndef say():\n    return f'{word}'\n")])
    except ValueError as error:  # before Python 3.12 an f-string is one token
        assert "f-string" in str(error)
    else:
        assert values(space)[names["say"]]() == "two"


TUNED = """
def head():
    return f"#define GRAIN {TUNE['GRAIN'][0]}" + TUNE["FLAG"][0]
"""


def test_tune_tables_are_joined_entry_by_entry():
    space = Namespace()
    table = {"GRAIN": (4, 8), "FLAG": ("",)}
    assert space.admit([Snippet("a", TUNED, table)]) == {}
    assert space.admit([Snippet("a", TUNED, table)]) == {}  # the same choices: all is shared
    other = Snippet("a", TUNED, {"GRAIN": (16,), "FLAG": ("",), "MORE": (1,)})
    assert space.admit([other]) == {"head": "head_2"}
    whole = space.whole().values()
    text = table_text(merged(whole)) + "".join(snippet.text for snippet in whole)
    assert read_table(text) == {"GRAIN": [4, 8], "FLAG": [""], "GRAIN_2": [16], "MORE": [1]}
    scope = {}
    exec(text, scope)
    assert scope["head"]() == "#define GRAIN 4" and scope["head_2"]() == "#define GRAIN 16"


def test_aot_rows_follow_their_kernels():
    kernel = "AOT = {'k': {'num_warps': 4}}\n\n\ndef k(x):\n    return x\n"
    space = Namespace()
    space.admit([Snippet("a", kernel)])
    assert space.admit([Snippet("a", kernel.replace("return x", "return -x"))]) == {"k": "k_2"}
    assert space.ahead == {"k": {"num_warps": 4}, "k_2": {"num_warps": 4}}
