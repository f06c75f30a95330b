"""Signatures read from C++ text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.backends.signatures import TYPES, parse

SOURCE = r"""
#include <torch/csrc/inductor/cpp_prefix.h>
#define BODY(x) extern "C" void macro_##x(int a) { }
// extern "C" void commented(int a) {}
/* extern "C" void commented2(int a) {} */
using scalar = float;
typedef int64_t index_t;
static const char* text = "extern \"C\" void in_text(int a) {}";
static const char* raw = R"x(extern "C" void in_raw(int a) {})x";
static inline float local(float a) { return a; }
template <typename T> T twice(T a) { return a + a; }

extern "C"  void kernel(const float* in_ptr0,
                        bool* __restrict__ out_ptr0, const int64_t ks0)
{
    auto f = [&](int a) { return "}"; };
    if (ks0 > 0) { out_ptr0[0] = in_ptr0[0] > '}' ; }
}
extern "C" __attribute__((visibility("default"))) double total(const scalar *x, index_t n) noexcept
{ return 0; }
extern "C" {
  struct pair { int a, b; };
  static int hidden(int a) { return a; }
  void first(const uint8_t x[], std::size_t n) { { } }
  int second();
  void third(void);
  void strange(struct pair* p, float** q, std::complex<float>* z) {}
  template <int N> void generic(int a) {}
}
extern "C" int variable;
extern "C" float last(unsigned long long a, unsigned b, bool c = true) { return 0; }
void not_exported(float* x) {}
"""


def test_a_source_with_everything_in_it() -> None:
    found = parse(SOURCE)
    assert list(found) == ["kernel", "total", "first", "second", "third", "strange", "last"]
    kernel = found["kernel"]
    assert [(p.name, p.type, p.pointer) for p in kernel.parameters] == [
        ("in_ptr0", "float32", True),
        ("out_ptr0", "bool", True),
        ("ks0", "int64", False),
    ]
    assert (kernel.returns.type, kernel.unknown) == ("void", ())
    total = found["total"]
    assert [p.type for p in total.parameters] == ["float32", "int64"] and total.returns.type == "float64"
    assert [(p.type, p.pointer) for p in found["first"].parameters] == [("uint8", True), ("uint64", False)]
    assert found["second"].parameters == found["third"].parameters == ()
    assert [p.type for p in found["last"].parameters] == ["uint64", "uint32", "bool"]
    assert found["strange"].unknown == ("struct pair* p", "float** q")
    assert found["strange"].parameters[2].type == "complex64"


types = st.sampled_from([t for t in TYPES if t != "void"])
names = st.from_regex(r"[a-z][a-z0-9_]{0,6}_x", fullmatch=True)


@st.composite
def parameters(draw: st.DrawFn) -> tuple[str, str, str, bool]:
    kind, name, pointer = draw(types), draw(names), draw(st.booleans())
    prefix = draw(st.sampled_from(["", "const ", "  const\n"]))
    star = (
        draw(st.sampled_from(["*", " *", "* __restrict__ ", "* const ", " * /* c */ "])) if pointer else " "
    )
    std = "std::" if kind.endswith("_t") and draw(st.booleans()) else ""
    return f"{prefix}{std}{kind}{star} {name}", TYPES[kind], name, pointer


@given(
    st.lists(
        st.tuples(names, st.lists(parameters(), max_size=5)), min_size=1, max_size=4, unique_by=lambda f: f[0]
    ),
    st.booleans(),
)
def test_generated_signatures_come_back(functions: list, block: bool) -> None:
    texts = [f"void {name}({', '.join(p[0] for p in args)}) {{ if (1) {{ }} }}" for name, args in functions]
    if block:
        source = 'extern "C" {\n' + "\n".join(texts) + "\n}\n"
    else:
        source = "\n".join(f'int x{i};\nextern "C" {text}' for i, text in enumerate(texts))
    found = parse(source)
    assert list(found) == [name for name, _ in functions]
    for name, args in functions:
        assert [(p.type, p.name, p.pointer) for p in found[name].parameters] == [a[1:] for a in args]


@given(st.text(alphabet='extern "C"{}();,*&<>[]/\\\n#floaintvd_', max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    parse(text)
    parse('extern "C" ' + text)


@pytest.mark.parametrize(
    "text", ["", "int x;", 'extern "C"', 'extern "C" {', 'extern "C" void f(', "extern 'C'"]
)
def test_nothing_to_find(text: str) -> None:
    assert parse(text) == {}
