"""What is said of vectors that the machine does not have."""

import pytest

from kernelevo.backends import toolchain, wide_vectors

TEXT = (
    "typedef float V __attribute__((vector_size(64)));\ntypedef float W __attribute__((vector_size( 32 )));"
)


def processor(monkeypatch, arch):
    compiler = toolchain.Compiler("/usr/bin/g++", "gcc", "g++ 12", ("-march=native",), arch)
    monkeypatch.setattr(toolchain, "compiler", lambda: compiler)


@pytest.mark.parametrize(("arch", "size"), [("-mavx -mavx2 -mfma", 32), ("-msse4.2", 16)])
def test_the_widest_vector_of_a_program_is_held_to_the_machines(monkeypatch, arch, size):
    processor(monkeypatch, arch)
    told = wide_vectors.advice(["import kernelevo", TEXT])
    assert told.startswith(f"vector_size(64) is wider than this machine's vectors of {size} bytes")
    assert "kernelevo::vfloat" in told and "<kernelevo/math.h>" in told
    narrow = TEXT.replace("64", "16")
    assert bool(wide_vectors.advice([narrow])) == (size < 32)


def test_nothing_is_said_of_vectors_that_fit_nor_asked_without_any(monkeypatch):
    processor(monkeypatch, "-mavx -mavx2 -mavx512f")
    assert wide_vectors.advice([TEXT]) == ""
    monkeypatch.delattr(toolchain, "compiler")
    assert wide_vectors.advice(["class ModelNew: ...", "vector_size(wide)"]) == ""


def test_this_machines_vectors_are_as_wide_as_our_header_takes_them():
    import kernelevo

    library = kernelevo.cpp(
        '#include <kernelevo/math.h>\nextern "C" int64_t lanes() { return kernelevo::kLanes; }'
    )
    assert 4 * library.lanes() == toolchain.compiler().vector_bytes


def test_a_number_of_too_many_digits_is_no_size(monkeypatch):
    processor(monkeypatch, "-mavx2")
    assert wide_vectors.advice([f"// vector_size({'1' * 5000})"]) == ""
