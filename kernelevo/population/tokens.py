"""Tokens: a program's text without what does not matter: comments, layout, chosen names, plain numbers."""

from __future__ import annotations

import ast
import keyword
import re
import warnings
import zlib
from collections import Counter
from functools import lru_cache

LONGEST = 100_000  # characters that are looked at
_SHORTEST = 4  # tokens; a text with fewer is compared by its characters
_CODE_IN_STRING = 40  # characters from which on a string with code marks is read as code

_PYTHON = re.compile(
    r"(?P<skip>\#[^\n]*|\s+)"
    r"|(?P<text>[rbfuRBFU]{0,2}(?:'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|'(?:\\.|[^'\\\n])*'"
    r"|\"(?:\\.|[^\"\\\n])*\"))"
    r"|(?P<name>[^\W\d]\w*)|(?P<number>\d[\w.]*)|(?P<mark>.)",
    re.DOTALL,
)
_C = re.compile(
    r"(?P<skip>//[^\n]*|/\*.*?\*/|\s+)|(?P<text>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
    r"|(?P<name>[^\W\d]\w*)|(?P<number>\d[\w.]*)|(?P<mark>.)",
    re.DOTALL,
)
_C_WORDS = frozenset(
    re.findall(
        r"\w+",
        "alignas auto bool break case char class const constexpr continue default delete do double else enum "
        "extern float for goto half half2 if inline int long namespace new operator private public register "
        "restrict return short signed sizeof static struct switch template this typedef typename union "
        "unsigned using void volatile while float2 float4 int2 int4 int8_t int16_t int32_t int64_t uint8_t "
        "uint16_t uint32_t uint64_t size_t include define pragma omp simd unroll parallel reduction "
        "collapse ifdef ifndef endif __global__ "
        "__device__ __host__ __shared__ __restrict__ __launch_bounds__ __forceinline__",
    )
)


@lru_cache(maxsize=1 << 16)
def hashed(word: str) -> int:
    """Return a hash of a word that is the same in every process."""
    return zlib.crc32(word.encode("utf-8", "replace"))


class Structure(ast.NodeVisitor):
    """What one walk over a Python tree finds.

    Args:
        tree: a parsed module.

    Attributes:
        pairs: how often a node of one kind stands right below one of another, by the hash of both names.
        bound: names that the text itself gives: variables, arguments, functions, classes.
        prose: strings that stand alone (docstrings).
    """

    def __init__(self, tree: ast.AST) -> None:
        self.pairs: Counter[int] = Counter()
        self.bound: set[str] = set()
        self.prose: set[str] = set()
        stack: list[ast.AST] = [tree]
        while stack:
            node = stack.pop()
            kind = type(node).__name__
            self._note(node)
            for name in node._fields:
                value = getattr(node, name, None)
                if value is None or isinstance(value, (str, ast.expr_context)):
                    continue
                for child in value if isinstance(value, list) else (value,):
                    if isinstance(child, ast.AST):
                        self.pairs[hashed(f"{kind}>{type(child).__name__}")] += 1
                        stack.append(child)

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                self.bound.add(node.id)
        elif isinstance(node, ast.arg):
            self.bound.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self.bound.add(node.name)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            self.prose.add(str(node.value.value))


def structure(text: str) -> Structure | None:
    """Return the structure of Python text, None if it does not parse."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an odd escape in a program is not our user's to read
        try:
            return Structure(ast.parse(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def python_tokens(text: str, found: Structure) -> list[str]:
    """Return the tokens of Python text: own names are one word, numbers another, code in strings is read."""
    tokens: list[str] = []
    for match in _PYTHON.finditer(text):
        kind, word = match.lastgroup, match.group()
        if kind == "name":
            own = word in found.bound and not keyword.iskeyword(word)
            tokens.append("v" if own else word)
        elif kind == "mark":
            tokens.append(word)
        elif kind == "number":
            tokens.append("0")
        elif kind == "text":
            inner = word.lstrip("rbfuRBFU")
            inner = inner[3:-3] if inner[:3] in ("'''", '"""') else inner[1:-1]
            if inner in found.prose:
                continue
            if len(inner) >= _CODE_IN_STRING and (";" in inner or "{" in inner):
                tokens.extend(c_tokens(inner))
            else:
                tokens.append("''")
    return tokens if len(tokens) >= _SHORTEST else list(text)


def c_tokens(text: str) -> list[str]:
    """Return the tokens of C-like text; names are kept where they are called, have an owner or are C's."""
    tokens: list[str] = []
    before = ""
    for match in _C.finditer(text):
        kind, word = match.lastgroup, match.group()
        if kind == "skip":
            continue
        if kind == "name":
            after = text[match.end() : match.end() + 1]
            known = word in _C_WORDS or after in ("(", ".", ":") or before == "."
            word = word if known else "v"
        elif kind == "number":
            word = "0"
        elif kind == "text":
            word = "''"
        tokens.append(word)
        before = word
    return tokens if len(tokens) >= _SHORTEST else list(text)
