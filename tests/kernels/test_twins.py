"""Programs that are the same machine code get one verdict; nothing that only looks alike does."""

import itertools
from pathlib import Path

import pytest

from kernelevo.core import Artifact, Evaluation, Program, Status
from kernelevo.kernels.children.foundry import Foundry
from kernelevo.kernels.children.supervisor import Supervisor
from kernelevo.kernels.programs.normal_form import normal_form
from kernelevo.kernels.twins import Twins
from kernelevo.sandbox.zygote import Zygote
from tests.kernels.conftest import candidate

ROOT = Path(__file__).resolve().parents[2]
SOLUTIONS = sorted((ROOT / "kernelbench_tasks" / "solutions" / "cuda").glob("*/*.py"))
PLAIN = candidate("return RESULT")

CPP = '''
import torch
from torch import nn
import kernelevo

SOURCE = r"""CODE"""
library = kernelevo.cpp(SOURCE)


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.linear = nn.Linear(width, 96)
        self.out = nn.Linear(96, 32)

    def forward(self, x):
        y = self.out(torch.relu(self.linear(torch.relu(self.norm(x)))))
        library.keep(y, y.numel())
        return y
'''
CODE = """
#include <cmath>
extern "C" void keep(float* y, long n) {
  for (long i = 0; i < n; ++i) y[i] = std::exp(std::log(std::abs(y[i]) + 1.0f)) > 0 ? y[i] : 0.0f;
}
"""


def with_code(code: str) -> str:
    return CPP.replace("CODE", code)


def judged(judge, source):
    return judge.measure(judge.prepare(Program.single(source)))


# ---------------------------------------------------------------------- the text


def test_layout_comments_and_docstrings_do_not_count():
    other = '"""A program."""\n' + PLAIN.replace("self.out(", "self.out(  # the last one\n            ")
    other = other.replace("    def forward", "    def forward").replace('"', "'")
    assert other != PLAIN and normal_form(other) == normal_form(PLAIN) is not None


@pytest.mark.parametrize(
    "old, new",
    [
        ("96", "97"),
        ("96", "96.0"),
        ("self.linear", "self.layer"),
        ("torch.relu(self.norm(x))", "self.norm(x)"),
    ],
)
def test_everything_else_counts(old, new):
    assert normal_form(PLAIN.replace(old, new)) != normal_form(PLAIN)


def test_the_bundled_programs_have_a_normal_form():
    forms = {path: normal_form(path.read_text()) for path in SOLUTIONS}
    known = [form for form in forms.values() if form is not None]
    # a program that a search or a model wrote may be free-form: it is judged anew each time
    assert all(forms[path] for path in SOLUTIONS if not path.with_suffix(".json").is_file())
    assert len({form.shell for form in known}) == len(known) >= 5
    assert sum(len(form.sources) for form in known) >= 1


LOOKS = {
    "its file": "open(__file__)",
    "its module's name": "len(__name__)",
    "its class in words": "str(ModelNew)",
    "its class in an f-string": "f'{ModelNew}'",
    "its class through an alias": "(lambda k: f'{k}')(ModelNew)",
    "its class through type": "type(self)",
    "its class through super": "f'{super()}'",
    "its class by percent": "'%s' % ModelNew",
    "a percent kept apart": "(lambda a, b: a % b)('%s', self)",
    "os through torch": "torch.os.getcwd()",
    "os through an alias of torch": "(lambda t: t.os.getcwd())(torch)",
    "a file through torch": "torch.load('program.py')",
    "a private name": "self._modules",
    "a frame": "self.forward.__code__",
    "getattr": "getattr(torch, 'o' + 's')",
    "an operator library": "torch.ops.load_library('x')",
    "a submodule of torch": "torch.utils.data",
    "torch's loader of extensions": "torch.utils.cpp_extension.load",
    "TorchScript, which reads comments": "torch.jit.script(self)",
    "a kernel's text": "self.linear.src",
    "numpy": "x.numpy().tofile('y')",
}


@pytest.mark.parametrize("what", LOOKS)
def test_who_could_look_at_its_own_text_has_none(what):
    assert normal_form(candidate(f"seen = {LOOKS[what]}\nreturn RESULT")) is None


@pytest.mark.parametrize(
    "line",
    ["import os", "import inspect", "from torch import os", "import torch._dynamo", "import sys as math"],
)
def test_other_imports_have_none(line):
    assert normal_form(f"{line}\n{PLAIN}") is None


def test_classes_that_are_no_modules_have_none():
    assert normal_form("class A:\n    pass\n" + PLAIN) is None
    assert normal_form("def f():\n    try:\n        g()\n    except E as e:\n        pass\n" + PLAIN) is None


def test_a_source_used_for_something_else_stays_in_the_shell():
    once, twice = normal_form(with_code(CODE)), normal_form(with_code(CODE) + "\nn = len(SOURCE)\n")
    assert len(once.sources) == 1 and twice.sources == ()
    assert once.shell == normal_form(with_code("int other;")).shell


# ---------------------------------------------------------------------- the code


@pytest.fixture(scope="module")
def foundry(tmp_path_factory):
    folder = tmp_path_factory.mktemp("foundry")
    folder.chmod(0o711)
    with Zygote(("torch",), threads=1) as zygote:
        yield Foundry(Supervisor(lambda: zygote, zygote), folder / "work", folder / "shared")


def codes(foundry, code, arch=None):
    return foundry.codes(normal_form(code if "import" in code else with_code(code)).sources, arch)


@pytest.mark.slow
def test_code_is_compared_by_every_byte(foundry):
    plain = codes(foundry, CODE)
    assert plain is not None and len(plain) == 1
    assert codes(foundry, "// a comment\n" + CODE.replace("long i = 0", "long  i=0")) == plain
    assert codes(foundry, CODE.replace("1.0f", "2.0f")) != plain
    assert codes(foundry, CODE.replace("float* y, long n", "float* y, unsigned long n")) != plain


UNSURE = {
    "a file": '#include <cstdio>\nextern "C" void f() { fopen("program.py", "r"); }',
    "a stream": '#include <fstream>\nextern "C" void f() { std::ifstream g("program.py"); }',
    "the environment": '#include <cstdlib>\nextern "C" char* f() { return getenv("HOME"); }',
    "the loader": '#include <dlfcn.h>\nextern "C" void* f() { return dlopen("x", 1); }',
    "assembly": 'extern "C" void f() { asm volatile("syscall"); }',
    "assembly over two lines": 'extern "C" void f() { as\\\nm volatile("syscall"); }',
    "pasted assembly": '#define J(a, b) a##b\nextern "C" void f() { J(as, m)("nop"); }',
    "the time": 'extern "C" int f() { return __TIME__[0]; }',
    "code that does not compile": "nonsense",
}


COMPILED = ("a stream", "the environment", "the loader")  # the rest is seen in the text, or stands for these


@pytest.mark.parametrize(
    "what", [pytest.param(w, marks=pytest.mark.slow if w in COMPILED else ()) for w in UNSURE]
)
def test_code_that_may_reach_further_has_no_digest(foundry, what):
    assert codes(foundry, UNSURE[what]) is None


def test_flags_that_load_code_into_the_compiler_are_not_used(foundry):
    text = with_code(CODE).replace("cpp(SOURCE)", "cpp(SOURCE, flags=['-fplugin=x.so'])")
    assert normal_form(text).sources and codes(foundry, text) is None


def test_cuda_code_is_compared_for_the_devices_architecture(foundry):
    pytest.importorskip("cuda.core")
    layernorm = next(p for p in SOLUTIONS if p.parent.name == "ops_layernorm").read_text()
    plain = codes(foundry, layernorm, "sm_90a")
    assert plain is not None and codes(foundry, layernorm) is None
    commented = layernorm.replace('SOURCE = r"""', 'SOURCE = r"""// the kernels\n')
    assert commented != layernorm and codes(foundry, commented, "sm_90a") == plain
    assert codes(foundry, layernorm, "sm_80") != plain


# ---------------------------------------------------------------------- the verdict


def test_a_twin_gets_the_verdict_without_a_measurement(judge, monkeypatch):
    first = judged(judge, with_code(CODE))
    assert first.status is Status.OK, first.feedback
    monkeypatch.setattr(judge.ground.ring, "fight", lambda *a, **k: pytest.fail("timed again"))
    other = with_code("/* written otherwise */" + CODE).replace(
        "        y = ", "        # here\n        y = "
    )
    found = judged(judge, other)
    assert found.score == first.score and found.status is Status.OK
    assert found.metrics["same_machine_code_as"] == Program.single(with_code(CODE)).id
    assert "the same machine code as program" in found.feedback and found.metrics["build_seconds"] > 0


@pytest.mark.slow
def test_a_forged_object_does_not_make_a_twin(judge):
    """The second program puts the first one's object where its own source is looked for."""
    fast = judged(judge, with_code(CODE))
    assert fast.status is Status.OK
    slow = CODE.replace("for (long i", "for (long k = 0; k < 2000; ++k) for (long i")
    artifact = judge.prepare(Program.single(with_code(slow)))
    honest = judge.prepare(Program.single(with_code(CODE.replace("1.0f", "1.5f"))))
    ours = next((artifact.folder / "cache").rglob("kernel.so"))
    theirs = next(judge.prepare(Program.single(with_code(CODE))).folder.rglob("kernel.so"))
    ours.write_bytes(theirs.read_bytes())
    found = judge.measure(artifact)
    assert "same_machine_code_as" not in found.metrics, found.feedback
    assert honest.verdict is None


def made(text, folder):
    return Artifact(Program.single(text), None, folder, {"build_seconds": 1.0, "kernels": []})


def test_which_verdicts_are_taken_over(tmp_path):
    count = itertools.count()

    def run(twins, text, verdict, floor=None, baseline="eager"):
        before = next(count)
        twins.judged(
            made(text, tmp_path), floor, {"fp32-accurate": baseline}, None,
            lambda: pytest.fail("nothing to compile"), lambda: next(count) and verdict,
        )  # fmt: skip
        return next(count) - before == 2  # whether it was judged

    ok = Evaluation(Status.OK, 2.0, {"baseline": "eager", "precision": "fp32-accurate"})
    rough = Evaluation(Status.OK, 0.5, {"baseline": "eager", "precision": "fp32-accurate"}, fidelity="rough")
    crashed = Evaluation(Status.CRASHED)
    wrong = Evaluation(Status.WRONG)
    other = PLAIN.replace("        return", "        # c\n        return")
    for verdict, floors, baseline, again in (
        (ok, (None, None), "eager", False),
        (ok, (None, 3.0), "eager", False),
        (ok, (None, None), "compile", True),
        (rough, (1.0, 1.0), "eager", False),
        (rough, (1.0, 2.0), "eager", False),
        (rough, (1.0, 0.9), "eager", True),
        (rough, (1.0, None), "eager", True),
        (wrong, (None, None), "compile", False),
        (crashed, (None, None), "eager", True),
    ):
        twins = Twins()
        assert run(twins, PLAIN, verdict, floors[0])
        assert run(twins, other, verdict, floors[1], baseline) is again
    assert run(Twins(), "import os\n" + PLAIN, ok)
    twins = Twins()
    assert run(twins, PLAIN, ok) and run(twins, PLAIN, ok)
