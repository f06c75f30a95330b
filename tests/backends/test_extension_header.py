"""Which flags a load_inline program builds with, and that gcc takes the header that was made for them."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.backends import extension_header, toolchain
from kernelevo.backends.extension_header import flags_of


@pytest.mark.parametrize(
    "call, flags",
    [
        ("load_inline(name='a', cpp_sources=[s])", ((),)),
        ("torch.utils.cpp_extension.load_inline(name='a', extra_cflags=['-O3', ''])", (("-O3",),)),
        ("cpp_extension.load(name='a', extra_cflags=None)", ((),)),
        ("load_inline(extra_cflags=('-O2', '-std=c++17', '-march=native'))",
         (("-O2", "-std=c++17", "-march=native"),)),
        ("load_inline(extra_cflags=FLAGS)", ()),
        ("load_inline(**options)", ()),
        ("load_inline(extra_cflags=['-fplugin=/tmp/evil.so'])", ()),
        ("load_inline(extra_cflags=['-O3', '-include', '/etc/passwd'])", ()),
        ("load_inline(extra_cflags=['-B/tmp'])", ()),
        ("load_inline(extra_cflags='-O3')", ()),
        ("f(load_inline(extra_cflags=['-O3']), load_inline(), load_inline())", ((), ("-O3",))),
        ("other(extra_cflags=['-O3'])", ()),
        ("def (", ()),
        ("f" + "()" * 300, ()),
        ("load_inline(extra_cflags=" + "-" * 300 + "1)", ()),
        ("load_inline(extra_cflags={[]: 1})", ()),
    ],
)  # fmt: skip
def test_flags_are_read_from_the_text(call: str, flags: tuple[tuple[str, ...], ...]) -> None:
    assert sorted(flags_of(call)) == sorted(flags)


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    flags_of(text)
    flags_of(f"load_inline(extra_cflags=[{text!r}])")


@given(st.text(min_size=1, max_size=20))
def test_only_flags_that_name_no_file_get_through(flag: str) -> None:
    for flags in flags_of(f"load_inline(extra_cflags=[{flag!r}])"):
        assert all(f.startswith("-") and "/" not in f and " " not in f for f in flags)


def test_the_header_has_torchs_words_but_no_name(tmp_path: Path) -> None:
    words = extension_header._words(("-O3",))
    assert "-fPIC" in words and words[-1] == "-O3" and not any("EXTENSION_NAME" in w for w in words)
    assert any("torch/include" in w for w in words)
    assert extension_header.find(("-O3",), tmp_path) is None  # nothing is made for a question


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_gcc_takes_it_for_a_program_with_a_name(tmp_path: Path) -> None:
    if toolchain.compiler().kind != "gcc":
        pytest.skip("the compiler is not gcc")
    folder = extension_header.precompile((), tmp_path / "cache")
    assert extension_header.find((), tmp_path / "cache") == folder
    (tmp_path / "main.cpp").write_text("#include <torch/extension.h>\nint one() { return 1; }\n")
    words = [
        toolchain.compiler().path, "-DTORCH_EXTENSION_NAME=some_name", *extension_header._words(()), "-H",
        "-c", "main.cpp", "-o", "main.o",
    ]  # fmt: skip
    done = subprocess.run(
        words,
        check=False,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "CPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"! {folder}/torch/extension.h.gch" in done.stderr  # gcc's mark of a header that it took
