"""Signatures of the ``extern "C"`` functions of a C++ source, read from its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# C++ type (qualifiers and std:: dropped) -> our word for it; a word names a torch dtype where there is one
TYPES = {
    "float": "float32",
    "double": "float64",
    "int64_t": "int64", "long": "int64", "long int": "int64", "long long": "int64",
    "long long int": "int64", "ptrdiff_t": "int64", "ssize_t": "int64",
    "int32_t": "int32", "int": "int32", "signed": "int32", "signed int": "int32",
    "int16_t": "int16", "short": "int16",
    "int8_t": "int8", "signed char": "int8", "char": "int8",
    "uint8_t": "uint8", "unsigned char": "uint8",
    "uint16_t": "uint16", "unsigned short": "uint16",
    "uint32_t": "uint32", "unsigned": "uint32", "unsigned int": "uint32",
    "uint64_t": "uint64", "size_t": "uint64", "unsigned long": "uint64", "unsigned long long": "uint64",
    "bool": "bool",
    "void": "void",
    "__nv_bfloat16": "bfloat16", "nv_bfloat16": "bfloat16", "__half": "float16",
    "bfloat16": "bfloat16", "at::BFloat16": "bfloat16", "c10::BFloat16": "bfloat16",
    "half": "float16", "at::Half": "float16", "c10::Half": "float16", "_Float16": "float16",
    "complex<float>": "complex64", "c10::complex<float>": "complex64",
    "complex<double>": "complex128", "c10::complex<double>": "complex128",
}  # fmt: skip

_QUALIFIERS = (
    r"\b(?:const|volatile|register|struct|inline|noexcept|typename)\b|\b__restrict(?:__)?\b|\brestrict\b"
)
_TOKEN = re.compile(r"[A-Za-z_][\w]*(?:\s*::\s*[A-Za-z_]\w*)*(?:\s*<[^<>]*>)?")
_BLANKED = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^()\\\s]{0,16})\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL,
)


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name, our word for its type (None if not known), whether it is a pointer."""

    name: str
    type: str | None
    pointer: bool
    text: str


@dataclass(frozen=True)
class Signature:
    """One function: its name, parameters, return type and its own words in the source."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: Parameter
    text: str

    @property
    def unknown(self) -> tuple[str, ...]:
        """The types in it that cannot be passed from Python."""
        bad = [p.text for p in self.parameters if p.type is None or (p.type == "void" and not p.pointer)]
        plain = self.returns.type is not None and not self.returns.pointer
        return tuple(bad if plain else [*bad, f"return type {self.returns.text}"])


def parse(source: str) -> dict[str, Signature]:
    """Return the ``extern "C"`` functions of a source by name, in order of appearance.

    Function bodies, templates, ``static`` functions and variables are passed over. ``typedef`` and ``using``
    aliases of known types are followed; macros are not expanded.
    """
    text = _blank(source)
    aliases = _aliases(text)
    found: dict[str, Signature] = {}
    for item in _items(text):
        signature = _signature(item, aliases)
        if signature is not None:
            found[signature.name] = signature
    return found


def _blank(source: str) -> str:
    """Remove comments, string contents and preprocessor lines; keep the "C" of ``extern "C"``."""

    def replace(match: re.Match[str]) -> str:
        return '"C"' if match.group() == '"C"' else " "

    text = _BLANKED.sub(replace, source)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", " ", text, flags=re.MULTILINE)
    return re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)|\[\[.*?\]\]|\b__forceinline\b", " ", text)


def _items(text: str) -> Iterator[str]:
    """Yield each declaration's head under an ``extern "C"``, up to its body or semicolon."""
    for match in re.finditer(r'\bextern\s*"C"', text):
        start = match.end()
        opening = re.match(r"\s*\{", text[start:])
        if opening is None:
            yield _head(text, start)[0]
            continue
        position, end = start + opening.end(), _closing(text, start + opening.end() - 1)
        while position < end:
            head, position = _head(text, position)
            if position <= end and head.strip():
                yield head


def _head(text: str, start: int) -> tuple[str, int]:
    """Return the text up to the next body or semicolon, and where what follows begins."""
    match = re.compile(r"[;{]").search(text, start)
    if match is None:
        return text[start:], len(text)
    if match.group() == ";":
        return text[start : match.start()], match.end()
    return text[start : match.start()], _closing(text, match.start()) + 1


def _closing(text: str, opening: int) -> int:
    """Return the position of the brace that closes the one at ``opening``."""
    depth = 0
    for match in re.compile(r"[{}]").finditer(text, opening):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return match.start()
    return len(text)


def _aliases(text: str) -> dict[str, str]:
    pairs = [(m[1], m[2]) for m in re.finditer(r"\busing\s+(\w+)\s*=\s*([\w:<>\s]+);", text)]
    pairs += [(m[2], m[1]) for m in re.finditer(r"\btypedef\s+([\w:<>\s]+?)\s+(\w+)\s*;", text)]
    known: dict[str, str] = {}
    for name, target in pairs:
        word = _word(_tokens(target), known)
        if word is not None:
            known[name] = word
    return known


def _signature(item: str, aliases: dict[str, str]) -> Signature | None:
    match = re.fullmatch(
        r"\s*(?P<ret>[^()]*?[\s*&])(?P<name>\w+)\s*\((?P<args>[^()]*)\)[^()]*", item, re.DOTALL
    )
    if match is None or re.search(r"\b(?:static|template|using|typedef|operator)\b", match["ret"]):
        return None
    args = [a for a in _split(match["args"]) if a.strip() not in ("", "void")]
    returned = _parameter(re.sub(r"\bextern\b", " ", match["ret"]), aliases, named=False)
    words = " ".join(item.split())
    return Signature(match["name"], tuple(_parameter(a, aliases) for a in args), returned, words)


def _split(args: str) -> list[str]:
    """Split at commas outside of template brackets."""
    parts, depth = [""], 0
    for character in args:
        depth += {"<": 1, ">": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _parameter(text: str, aliases: dict[str, str], *, named: bool = True) -> Parameter:
    words = " ".join(text.split())
    bare = re.sub(_QUALIFIERS, " ", text.split("=", maxsplit=1)[0])
    stars = bare.count("*") + bare.count("[")
    tokens = _tokens(re.sub(r"\[[^\]]*\]|[*&]", " ", bare))
    name = ""
    kind = _word(tokens, aliases)
    if named and kind is None and len(tokens) > 1:
        name, kind = tokens[-1], _word(tokens[:-1], aliases)
    if stars > 1 or "&" in bare:
        kind = None
    return Parameter(name, kind, stars == 1, words)


def _tokens(text: str) -> list[str]:
    found = [re.sub(r"\s+", "", m.group()) for m in _TOKEN.finditer(re.sub(_QUALIFIERS, " ", text))]
    return [re.sub(r"^(?:::)?std::", "", token) for token in found]


def _word(tokens: list[str], aliases: dict[str, str]) -> str | None:
    joined = " ".join(tokens)
    return aliases.get(joined) or TYPES.get(joined)


def parse_kernels(source: str) -> dict[str, Signature]:
    """Return the ``__global__`` functions of a CUDA source by name; types of templates are unknown."""
    bounds = r"\b(?:__launch_bounds__|__cluster_dims__|__maxnreg__)\s*\((?:[^()]|\([^()]*\))*\)"
    text = re.sub(bounds + r"|\b__grid_constant__\b", " ", _blank(source))
    aliases = _aliases(text)
    found: dict[str, Signature] = {}
    for match in re.finditer(r"\b__global__\b", text):
        head = re.sub(r"\b(?:static|__device__|__host__)\b", " ", _head(text, match.end())[0])
        signature = _signature(" " + head, aliases)
        if signature is not None:
            found[signature.name] = signature
    return found


def is_template(source: str, name: str) -> bool:
    """Whether a kernel is a template: it then exists only as the instances that are asked for."""
    text = _blank(source)
    return (
        re.search(rf"\btemplate\s*<[^;{{}}]*\b__global__\b[^;{{}}]*\b{re.escape(name)}\s*\(", text)
        is not None
    )
