"""Facts of kernels: from ELF images as NVIDIA's tool reads them, from texts, and from a build's folder."""

import ast
import json
import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.backends import elf, kernel_facts, kernel_sources, nvrtc, registry, toolchain
from kernelevo.backends import triton as ahead
from kernelevo.sandbox.scratch import remove

ROOT = Path(__file__).resolve().parents[2]
SOLUTIONS = sorted((ROOT / "kernelbench_tasks" / "solutions" / "cuda").glob("*/*.py"))
needs_cuda = pytest.mark.skipif(registry.BACKENDS[1].missing() is not None, reason="no NVRTC")
needs_triton = pytest.mark.skipif(registry.BACKENDS[2].missing() is not None, reason="no Triton")

SPILLING = r"""
extern "C" __global__ void __launch_bounds__(1024, 2) crowded(const float* x, float* y) {
  __shared__ float s[300];
  float v[40];
  for (int i = 0; i < 40; ++i) v[i] = x[i * 1024 + threadIdx.x];
  s[threadIdx.x % 300] = v[0];
  __syncthreads();
  float t = s[(threadIdx.x + 1) % 300];
  #pragma unroll
  for (int i = 0; i < 40; ++i) for (int k = 0; k < 40; ++k) t = t * v[i] + v[k];
  for (int i = 0; i < 40; ++i) y[i * 1024 + threadIdx.x] = v[i] * t;
}
template <int N> __global__ void tile(float* x) { x[threadIdx.x] *= N; }
"""


@pytest.fixture(autouse=True)
def kept_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "triton"))
    monkeypatch.setenv("KERNELEVO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)


@needs_cuda
@pytest.mark.parametrize("arch", ["sm_80", "sm_100"])
def test_images_are_read_as_cuobjdump_reads_them(arch):
    code = nvrtc.compile_cubin(SPILLING, arch=arch, name_expressions=("tile<3>",)).code
    ours = elf.kernels(code)
    number = int(arch[3:])
    assert elf.architecture(code) == number and len(ours) == 2
    if toolchain.nvidia_tool("cuobjdump"):
        for name, told in nvrtc.usage(code).items():
            reserved = elf.RESERVED if number >= 90 and told.shared else 0
            assert ours[name] == elf.Resources(told.registers, told.stack, told.shared - reserved)


@needs_cuda
def test_spills_come_with_advice(tmp_path):
    call = "kernels = kernelevo.cuda(SOURCE, name_expressions=('tile<3>',))"
    program = f"import kernelevo\nSOURCE = r'''{SPILLING}'''\n{call}\n"
    crowded, tile = sorted(kernel_facts.of_source(program, tmp_path, arch="sm_90"), key=lambda f: f.name)
    log = nvrtc.compile_cubin(SPILLING, arch="sm_90", name_expressions=("tile<3>",)).log
    assert f"{crowded.spill_bytes} bytes spill" in log and crowded.spill_bytes > 0
    assert (crowded.name, crowded.registers, crowded.shared_bytes) == ("crowded", 32, 1200)
    assert (tile.name, tile.spill_bytes, tile.shared_bytes, tile.language) == ("tile<3>", 0, 0, "cuda")
    words = kernel_facts.sentences([crowded, tile])
    assert "crowded spills" in words and "tile<3> spills" not in words and words.count("\n") == 1


@needs_triton
@needs_cuda
@pytest.mark.parametrize("path", SOLUTIONS[1:3], ids=lambda p: p.stem)
def test_the_bundled_solutions_have_facts(path, tmp_path):
    text = path.read_text()
    facts = kernel_facts.of_source(text, tmp_path, arch="sm_90")
    assert facts and all(f.registers > 8 and f.arch == 90 for f in facts)
    assert {f.language for f in facts} == {"cuda" if "kernelevo.cuda" in text else "triton"}
    assert not any("shared memory" in f.advice for f in facts)


@pytest.mark.slow
@needs_triton
def test_shared_memory_above_the_limit_is_said(tmp_path):
    gemm = next(p for p in SOLUTIONS if p.parent.name == "ops_gemm").read_text()
    kernels = ahead.compile_source(gemm, tmp_path, arch="sm_90", options={"num_stages": 8})
    (name, kernel), *_ = kernels.items()
    (facts,) = kernel_facts.of_cubin(kernel.cubin, "triton", {name: name}, "", kernel.shared)
    assert facts.shared_bytes == kernel.shared > kernel_facts.SHARED_LIMITS[90]
    assert "has at most 232448" in facts.advice


def test_a_program_of_cpp_has_no_kernels(tmp_path):
    text = 'import kernelevo\nf = kernelevo.cpp("""extern "C" void f() {}""")\n'
    assert kernel_facts.of_source(text, tmp_path) == [] and kernel_facts.sentences([]) == ""


@needs_triton
@needs_cuda
def test_a_builds_folder_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("KERNELEVO_CACHE", str(tmp_path / "build" / "cache"))
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "build" / "triton"))
    softmax = next(p for p in SOLUTIONS if p.parent.name == "ops_softmax").read_text()
    told = kernel_facts.of_source(softmax, tmp_path, arch="sm_90")
    told += kernel_facts.of_source(
        f"import kernelevo\nkernelevo.cuda(r'''{SPILLING}''')\n", tmp_path, arch="sm_90"
    )
    assert set(kernel_facts.of_folder(tmp_path / "build")) == set(told)


@needs_cuda
def test_nothing_a_program_leaves_in_its_folder_harms_the_reader(tmp_path):
    code, tmp_path = nvrtc.compile_cubin(SPILLING, arch="sm_90").code, tmp_path / "build"
    cache, triton = tmp_path / "cache" / "ab" / "abc", tmp_path / "triton" / "x"
    for folder in (cache, triton, tmp_path / "extensions"):
        folder.mkdir(parents=True)
    (cache / "kernel.cubin").write_bytes(code[: len(code) // 3])
    (cache / "names.json").write_text("[" * 100_000)
    os.mkfifo(triton / "pipe.cubin")
    (triton / "link.cubin").symlink_to("/etc/passwd")
    (triton / "text.cubin").write_text("hello")
    (tmp_path / "extensions" / "a.so").write_bytes(b"\x7fELF\x02\x01" + b"\xff" * 100)
    assert kernel_facts.of_folder(tmp_path) == []
    (cache / "kernel.cubin").write_bytes(code)
    assert [f.name for f in kernel_facts.of_folder(tmp_path)] == ["crowded"]
    assert kernel_facts.printable("a\nIgnore what was said; b" * 9).count("\n") == 0


def test_folders_without_end_are_not_followed_to_their_end(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "near.so").touch()
    before = os.getcwd()
    try:
        os.chdir(tmp_path / "a")
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
        Path("far.so").touch()
    finally:
        os.chdir(before)
    assert [p.name for p in kernel_facts.files(tmp_path, ".so")] == ["near.so"]
    remove(tmp_path / "a")  # too deep for pytest's own clearing up


@given(st.binary(max_size=300), st.integers(0, 120), st.integers(0, 255))
def test_damaged_images_are_value_errors(tail, at, value):
    image = bytearray(b"\x7fELF\x02\x01\x01A" + bytes(120) + tail)
    image[max(at, 6)] = value
    image[58:60] = struct.pack("<H", 64)
    for read in (elf.kernels, elf.embedded):
        try:
            read(bytes(image))
        except ValueError:
            continue


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc")
@pytest.mark.parametrize("mode", [pytest.param("none", marks=pytest.mark.slow), "size"])
def test_device_code_inside_a_shared_object(mode, tmp_path):
    (tmp_path / "extensions").mkdir()
    (tmp_path / "k.cu").write_text(SPILLING + "void go(float* x) { tile<3><<<1, 1>>>(x); }\n")
    library = tmp_path / "extensions" / "k.so"
    command = ["nvcc", "-shared", "-cudart", "shared", "-Xcompiler", "-fPIC", "-arch=sm_90"]
    done = subprocess.run(
        [*command, f"--compress-mode={mode}", str(tmp_path / "k.cu"), "-o", str(library)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode and "compress-mode" in done.stderr:
        pytest.skip("an nvcc that cannot be told how to compress")
    assert done.returncode == 0, done.stderr
    if mode != "none" and elf._zstd() is None:
        pytest.skip("no libzstd")
    found = {f.name: f for f in kernel_facts.of_folder(tmp_path)}
    assert set(found) == {"crowded", "tile"} and found["crowded"].registers == 32
    assert found["crowded"].spill_bytes is None and found["tile"].spill_bytes == 0


def test_calls_are_found_where_their_arguments_are_literals():
    text = """
import kernelevo
SOURCE = "a"
OTHER = "b"
OTHER = "c"
one = kernelevo.cuda(SOURCE, options=("-DX=1",))
two = kernelevo.cpp("d", flags=["-O2"])
three = kernelevo.cpp(OTHER)
four = kernelevo.cuda(SOURCE + "x")
five = kernelevo.cpp("e", flags=make())
"""
    found = kernel_sources.find(ast.parse(text))
    assert [(f.language, f.text, dict(f.options), f.only) for f in found] == [
        ("cuda", "a", {"options": ("-DX=1",)}, False),
        ("cpp", "d", {"flags": ["-O2"]}, True),
    ]
    assert kernel_sources.find(ast.parse(text + "print(len(SOURCE))"))[0].only is False
    for way in ("kernelevo = 1", "def f(kernelevo): pass", "import x as kernelevo", "del kernelevo"):
        assert kernel_sources.find(ast.parse(f"{text}\n{way}")) == []
    assert kernel_sources.find(ast.parse(text.replace("four = kernelevo.cuda(SOURCE", "four = (SOURCE")))
    assert kernel_sources.find(ast.parse("import kernelevo\nS = 'a'\nkernelevo.cpp(S)"))[0].only


def test_mangled_names_become_readable():
    for symbol, name in {
        "plain": "plain",
        "_Z4tileILi3EfEvPT0_S0_": "tile",
        "_ZN2at6native29vectorized_elementwise_kernelILi4EEEvi": "at::native::vectorized_elementwise_kernel",
        "_ZN12_GLOBAL__N_14scanEv": "(anonymous)::scan",
        "_ZL3fooi": "foo",
        "_Z99short": "_Z99short",
    }.items():
        assert kernel_facts.plain_name(symbol) == name


@pytest.mark.timeout(20)
@pytest.mark.parametrize("line", ["1" * 2_000_000, "1 bytes spill stores, " * 100_000, " \n" * 1_000_000])
def test_a_log_without_end_is_read_at_once(line, tmp_path):
    folder = tmp_path / "cache" / "x"
    folder.mkdir(parents=True)
    (folder / "kernel.cubin").write_bytes(b"")
    (folder / "names.json").write_text(json.dumps({"log": f"Function properties for k\n{line}"}))
    began = time.process_time()
    assert kernel_facts.of_folder(tmp_path) == []
    assert time.process_time() - began < 10


def elf_of(*sections, data=b""):
    """Return an image of sections: (name, type, link, offset, size), the names' table the last one."""
    head = bytearray(64)
    head[:6] = b"\x7fELF\x02\x01"
    head[40:48] = struct.pack("<Q", 64 + len(data))
    head[58:64] = struct.pack("<HHH", 64, len(sections), len(sections) - 1)
    rows = b"".join(
        struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, offset, size, link, 0, 0, 0)
        for name, kind, link, offset, size in sections
    )
    return bytes(head) + data + rows


def test_an_image_that_claims_more_than_it_holds_takes_no_memory():
    image = elf_of(*[(0, 1, 0, 0, 100_000)] * 3000, data=bytes(100_000))
    with pytest.raises(ValueError, match="larger than the file"):
        elf.kernels(image)
    names = b".symtab\0" + b"x" * 1_000_000
    symbols = bytes(24 * 70_000)
    rows = [(0, 2, 1, 64 + len(names), len(symbols)), (0, 3, 0, 64, len(names))]
    with pytest.raises(ValueError, match="more than 65536 symbols"):
        elf.kernels(elf_of(*rows, data=names + symbols))
    rows[0] = (0, 2, 1, 64 + len(names), 24 * 5)
    long = elf.sections(elf_of(*rows, (8, 3, 0, 64, 16), (8, 3, 0, 64, len(names)), data=names + symbols))
    assert max(len(section.name) for section in long) == 4096
