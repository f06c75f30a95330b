"""C++ programs: built, cached, called with tensors, refused with a clear word."""

import copy
import itertools
import os
import pickle
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import kernelevo
from kernelevo.backends import compiling, precompiled, toolchain
from kernelevo.backends import cpp as cpp_module
from kernelevo.backends.cache import BuildCache
from kernelevo.backends.cpp import cpp
from kernelevo.errors import BuildError, BuildRefused, ToolchainMissing
from tests.few import few

SOURCE = r"""
#include <kernelevo.h>
extern "C" void axpy(float a, const float* x, float* y, int64_t n) {
  #pragma omp parallel for if (n > 1024)
  for (int64_t i = 0; i < n; ++i) y[i] += a * x[i];
}
extern "C" int64_t count(const bool* m, int n) {
  int64_t c = 0;
  for (int i = 0; i < n; ++i) c += m[i];
  return c;
}
extern "C" double mean(const double* x, int32_t n) {
  double s = 0;
  for (int i = 0; i < n; ++i) s += x[i];
  return s / n;
}
extern "C" void bits(uint16_t* x, int n) { for (int i = 0; i < n; ++i) x[i] ^= 0x8000; }
extern "C" int is_null(const void* p) { return p == nullptr; }
extern "C" bool flip(bool a) { return !a; }
"""


@pytest.fixture(scope="module")
def lib() -> cpp_module.CppLibrary:
    return cpp(SOURCE)


def test_values(lib: cpp_module.CppLibrary) -> None:
    for n in (3, 5000):
        x, y = torch.randn(n), torch.randn(n)
        expected = y + 2.5 * x
        lib.axpy(2.5, x, y, n)
        torch.testing.assert_close(y, expected)
    assert lib.count(torch.tensor([True, False, True]), 3) == 2
    assert lib.count(torch.tensor([1, 0, 1], dtype=torch.uint8), 3) == 2
    z = torch.randn(7, dtype=torch.float64)
    assert lib.mean(z, 7) == pytest.approx(z.mean().item())
    assert lib.flip(False) is True


def test_half_types_pass_as_bits(lib: cpp_module.CppLibrary) -> None:
    for dtype in (torch.bfloat16, torch.float16):
        x = torch.randn(9).to(dtype)
        y = x.clone()
        lib.bits(y, 9)
        assert torch.equal(y, -x)


def test_parameters_addresses_and_null(lib: cpp_module.CppLibrary) -> None:
    weight = torch.nn.Parameter(torch.ones(4))
    y = torch.zeros(4)
    lib.axpy(1.0, weight, y, 4)
    lib.axpy(1.0, weight.data_ptr(), y.data_ptr(), 4)
    assert y.tolist() == [2.0] * 4
    assert lib.is_null(None) == 1 and lib.is_null(y) == 0 and lib.is_null(y.double()) == 0


def test_numbers_are_converted(lib: cpp_module.CppLibrary) -> None:
    x, y = torch.ones(4), torch.zeros(4)
    lib.axpy(np.float32(2), x, y, np.int64(4))
    lib.axpy(torch.tensor(1.0), x, y, torch.tensor(4))
    lib.axpy(3, x, y, True)
    assert y.tolist() == [6.0, 3.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            (1.0, torch.ones(4).double(), torch.ones(4), 4),
            r"argument 2 \(const float\* x\) takes torch.float32",
        ),
        ((1.0, torch.ones(4, 4).t(), torch.ones(4), 4), "contiguous tensor, got shape"),
        ((1.0, [1.0], torch.ones(4), 4), "takes a tensor, an address or None, got list"),
        ((1.0, torch.ones(4, device="meta"), torch.ones(4), 4), "CPU tensor, got one on meta"),
        ((1.0, torch.ones(4), torch.ones(4), 4.0), "int64_t n takes a whole number, got float"),
        (("a", torch.ones(4), torch.ones(4), 4), "float a takes a number, got str"),
        ((1.0, torch.ones(4), torch.ones(4)), "argument"),
    ],
)
def test_wrong_arguments_are_named(lib: cpp_module.CppLibrary, arguments: tuple, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        lib.axpy(*arguments)


def test_unknown_names_list_the_known(lib: cpp_module.CppLibrary) -> None:
    with pytest.raises(AttributeError, match="it has: axpy, count"):
        lib.saxpy  # noqa: B018
    assert "axpy" in dir(lib) and "float a" in (lib.axpy.__doc__ or "")


def test_copies_and_pickles(lib: cpp_module.CppLibrary) -> None:
    assert copy.deepcopy(lib) is lib
    assert pickle.loads(pickle.dumps(lib)).flip(True) is False
    assert kernelevo.cpp is cpp and kernelevo.cpp is cpp  # the module of that name does not hide it


def test_errors_of_the_source(private_cache: Path) -> None:
    with pytest.raises(BuildError) as caught:
        cpp('extern "C" void f(float* x) {\n  x[0] = undeclared;\n}\n')
    assert "source.cpp:2:" in caught.value.log and "undeclared" in caught.value.why
    assert str(private_cache) not in caught.value.log
    declared = cpp('extern "C" void f(float* x);\nextern "C" void g(struct s* x) {}')
    with pytest.raises(AttributeError, match="declared but not defined"):
        declared.f  # noqa: B018
    with pytest.raises(TypeError, match=r"cannot pass struct s\* x"):
        declared.g  # noqa: B018


def test_cold_and_cached_times(private_cache: Path) -> None:
    toolchain.compiler()
    source = SOURCE + f"// {time.time_ns()}"
    start = time.perf_counter()
    cpp(source).flip(True)
    cold = time.perf_counter() - start
    cpp_module._loaded.clear()
    start = time.perf_counter()
    cpp(source).flip(True)
    cached = time.perf_counter() - start
    assert cached < cold / 5


def test_flags_are_part_of_the_key_and_native_is_not(private_cache: Path) -> None:
    source = 'extern "C" int value() { return VALUE; }'
    assert cpp(source, flags=("-DVALUE=1",)).value() == 1
    assert cpp(source, flags=("-DVALUE=2",)).value() == 2
    assert cpp(source, flags=("-DVALUE=2", "-march=native")) is cpp(source, flags=("-DVALUE=2",))
    assert "-march=native" not in toolchain.compiler().arch_flags


@pytest.mark.parametrize("way", ["-I{}", "-isystem {}", "-include {}/value.h", ""])
def test_a_changed_header_of_ones_own_is_compiled_again(
    private_cache: Path, tmp_path: Path, way: str
) -> None:
    named = {"-include": "", "": f'#include "{tmp_path}/value.h"\n'}
    source = named.get(way.partition(" ")[0], '#include "value.h"\n') + 'extern "C" int value() { return V; }'
    flags = way.format(tmp_path).split()
    for value in (1, 22):
        (tmp_path / "value.h").write_text(f"#define V {value}\n")
        assert cpp(source, flags=flags).value() == value


def test_a_header_in_a_folder_of_the_environment_is_ones_own(
    private_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPATH", f"{tmp_path / 'none'}{os.pathsep}{tmp_path}")
    for value in (1, 22):
        (tmp_path / "value.h").write_text(f"#define V {value}\n")
        assert cpp('#include "value.h"\nextern "C" int value() { return V; }').value() == value


def test_what_a_script_adds_to_a_compilers_flags_is_not_taken_for_the_compilers_own(
    private_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "#ifndef V\n#define V 1\n#endif\n" + 'extern "C" int value() { return V; }'
    plain = toolchain.compiler()
    for value in (1, 5, 7):
        script = tmp_path / f"g++-{value}"
        script.write_text(f'#!/bin/sh\nexec {plain.path} "$@"{f" -DV={value}" if value > 1 else ""}\n')
        script.chmod(0o755)
        monkeypatch.setenv("CXX", str(script))
        toolchain.compiler.cache_clear()
        assert toolchain.compiler().version == plain.version
        assert cpp(source).value() == value


def test_run_stage_uses_what_the_build_stage_built(
    private_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = 'extern "C" int one() { return 1; }'
    monkeypatch.setenv("KERNELEVO_STAGE", "build")
    assert cpp(source).one() == 1
    cpp_module._loaded.clear()
    toolchain.compiler.cache_clear()
    monkeypatch.setenv("KERNELEVO_STAGE", "run")
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: pytest.fail("the run stage started a program"))
    assert cpp(source).one() == 1
    with pytest.raises(BuildRefused, match="run stage"):
        cpp(source + "//")


def test_without_a_compiler(private_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ToolchainMissing, match="apt install"):
        cpp('extern "C" int one() { return 1; }')


def test_threads_share_one_build(private_cache: Path) -> None:
    source, values = 'extern "C" int one() { return 1; }', []
    threads = [threading.Thread(target=lambda: values.append(cpp(source).one())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values == [1] * 4


@pytest.mark.slow
def test_one_openmp_runtime() -> None:
    code = (
        "import torch, kernelevo\n"
        'lib = kernelevo.cpp(\'#include <kernelevo.h>\\nextern "C" int threads() { int n = 0;\\n'
        "#pragma omp parallel\\n#pragma omp single\\nn = omp_get_num_threads();\\nreturn n; }')\n"
        "torch.set_num_threads(2)\n"
        "maps = {l.split()[-1] for l in open('/proc/self/maps') if 'gomp' in l}\n"
        "print(lib.threads(), len(maps))\n"
    )
    here = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": here},
    )
    assert done.stdout.split() == ["2", "1"], done.stderr


TORCH_SOURCE = r"""
#include <torch/csrc/inductor/cpp_prefix.h>
extern "C" void kernel(const float* in_ptr0, float* out_ptr0, const int64_t n) {
  using Vector = at::vec::Vectorized<float>;
  constexpr int64_t size = Vector::size();
  for (int64_t i = 0; i < n; i += size)
    Vector::loadu(in_ptr0 + i, std::min(size, n - i)).tanh().store(out_ptr0 + i, std::min(size, n - i));
}
"""


@pytest.fixture
def commands(private_cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return what the compiler is called with, call after call."""
    words: list[list[str]] = []
    run = compiling.run
    monkeypatch.setattr(compiling, "run", lambda said, scratch: (words.append(said), run(said, scratch)))
    return words


def headers(command: list[str], source: str, folder: Path) -> list[str]:
    """Return gcc's list of the headers that it reads; "! " marks what was precompiled."""
    (folder / "source.cpp").write_text(source)
    done = subprocess.run([*command, "-H"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stderr.splitlines()


gcc = pytest.mark.skipif(toolchain.compiler().kind != "gcc", reason="only gcc's headers are precompiled")


@gcc
@pytest.mark.slow
def test_torch_headers_with_and_without_the_precompiled_one(
    private_cache: Path, commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = torch.randn(37), torch.empty(37)
    monkeypatch.setenv("KERNELEVO_STAGE", "build")  # which does not make the header
    cpp(TORCH_SOURCE, torch_headers=True).kernel(x, y, 37)
    torch.testing.assert_close(y, torch.tanh(x))
    assert not list(private_cache.rglob("*.gch"))
    monkeypatch.delenv("KERNELEVO_STAGE")
    cpp_module.precompile_torch_headers()
    cpp(TORCH_SOURCE + "// again", torch_headers=True).kernel(x, y.zero_(), 37)
    torch.testing.assert_close(y, torch.tanh(x))
    (header,) = private_cache.rglob("*.gch")
    assert headers(commands[-1], TORCH_SOURCE, tmp_path)[0] == f"! {header}"


VECTOR_SOURCE = """using namespace kernelevo;
extern "C" void f(const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) store(y + i, exp(load(x + i)));
}
"""
MATH = "#include <kernelevo/math.h>\n"
HEADS = {
    "alone": MATH,
    "with others": f"{MATH}#include <kernelevo/rows.h>\n#include <vector>\n",
    "after comments": f"\n// words\n/* more *//**/#include <kernelevo/rows.h>\n{MATH}",
    "all of ours": f'/* words */ #include "kernelevo.h"\n{MATH}',
}


@gcc
@pytest.mark.parametrize(
    ("head", "flags"),
    few(itertools.product(HEADS, ((), ("-DWIDE=3",))), [("all of ours", ("-DWIDE=3",))]),
)
def test_what_is_built_with_a_precompiled_header_is_the_same(
    private_cache: Path, commands: list[list[str]], tmp_path: Path, head: str, flags: tuple[str, ...]
) -> None:
    source = HEADS[head] + VECTOR_SOURCE
    plain = cpp_module.compiled(source, flags=flags).read_bytes()
    assert not list(private_cache.rglob("*.gch")) and len(commands) == 1
    shutil.rmtree(private_cache)
    cpp_module.precompile_headers(str(precompiled.begins_with(source)), cache=BuildCache.here())
    (header,) = private_cache.rglob("*.gch")
    assert cpp_module.compiled(source, flags=flags).read_bytes() == plain
    assert len(commands) == 3
    read = headers(commands[-1], source, tmp_path)
    assert read[0] == f"! {header}" and not any(line.endswith("immintrin.h") for line in read)


@gcc
def test_a_build_stage_takes_what_the_shared_cache_has_and_makes_none(
    private_cache: Path, commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpp_module.precompile_headers("import torch\n", f'SOURCE = """{MATH}"""', cache=BuildCache.here())
    (header,) = private_cache.rglob("*.gch")
    assert header.name == "math.h.gch"
    monkeypatch.setenv("KERNELEVO_STAGE", "build")
    monkeypatch.setenv("KERNELEVO_CACHE_SHARED", str(private_cache))
    monkeypatch.setenv("KERNELEVO_CACHE", str(tmp_path / "own"))
    cpp_module.compiled(MATH + VECTOR_SOURCE)
    assert headers(commands[-1], MATH + VECTOR_SOURCE, tmp_path)[0] == f"! {header}"
    monkeypatch.setenv("KERNELEVO_CACHE_SHARED", str(tmp_path / "none"))
    cpp_module.compiled(MATH + VECTOR_SOURCE + "// again")
    assert not any(line.startswith("! ") for line in headers(commands[-1], MATH, tmp_path))
    assert not list((tmp_path / "own").rglob("*.gch"))


@pytest.mark.parametrize(
    "before",
    [
        "inline int two() { return 2; }\n",
        "#define TWO 2\n",
        "/* a */\n#define TWO 2\n/* b */\n",
        "/**/" * 200,
    ],
)
def test_what_begins_with_something_else_is_found_at_once(before: str) -> None:
    assert precompiled.begins_with(before + "#pragma once\n" + MATH) is None
    assert precompiled.begins_with("/**/" * 200 + MATH) == "kernelevo/math.h"


@pytest.mark.slow
@gcc
@pytest.mark.parametrize("source", few([MATH + "#include <cmath>\n", MATH], 1))
def test_errors_read_the_same_with_and_without_a_precompiled_header(private_cache: Path, source: str) -> None:
    source += 'extern "C" void f(float* x) { kernelevo::exp("words"); }'
    logs = []
    for texts in ((), (MATH,)):
        cpp_module.precompile_headers(*texts, cache=BuildCache.here())
        with pytest.raises(BuildError) as caught:
            cpp(source)
        logs.append(caught.value.log)
    assert logs[0] == logs[1] and str(private_cache) not in logs[0]
    assert "cannot convert" in logs[0] and "\nkernelevo/math.h:" in logs[0]


@pytest.mark.slow
@gcc
def test_a_header_that_gcc_cannot_load_costs_no_program_its_build(
    private_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = compiling.run

    def fails(words: list[str], scratch: Path) -> None:
        if any(str(private_cache) in word for word in words):
            raise BuildError("the C++ source does not compile", why="fatal error: had to relocate PCH")
        run(words, scratch)

    cpp_module.precompile_headers(MATH, cache=BuildCache.here())
    monkeypatch.setattr(compiling, "run", fails)
    x, y = torch.rand(16), torch.empty(16)
    cpp(MATH + VECTOR_SOURCE).f(x, y, 16)
    torch.testing.assert_close(y, x.exp())


def test_an_object_that_cannot_be_loaded_is_built_again_beside_it(private_cache: Path) -> None:
    """Its size is right, so the cache takes it for whole: a disk lost it, or another system made it."""
    source = 'extern "C" int seven() { return 7; }\n'
    path = cpp_module.compiled(source)
    path.write_bytes(bytes(path.stat().st_size))
    lib = cpp(source)
    assert lib.seven() == 7 and lib.path != path
    cpp_module._loaded.clear()
    assert cpp(source).path == lib.path  # found, not built once more


def test_an_object_that_lacks_a_function_is_not_built_twice(private_cache: Path) -> None:
    source = 'extern "C" int nowhere();\nextern "C" int here() { return nowhere(); }\n'
    with pytest.raises(OSError, match="undefined symbol"):
        cpp(source)
    assert len(list(private_cache.glob("*/*/kernel.so"))) == 1
