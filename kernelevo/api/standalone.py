"""Standalone: a winner as one file, or one package, that runs where kernelevo is not installed.

What a program uses of kernelevo (``cpp``, ``packed``, ...) goes along: those modules and all they import, as
they are, under a private name that holds their hash, so that it never meets an installed kernelevo.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from string import Template

from kernelevo import PUBLIC, __version__
from kernelevo.backends.source_tree import csrc
from kernelevo.core.program import ENTRY
from kernelevo.errors import BadProgram, BadSetting

PACKAGE = "kernelevo"
_NATIVE = {
    "kernelevo.backends.source_tree": "include/**/*.h",
    "kernelevo.backends.launching": "launch.cpp",
}
"""Which native sources a module reads; these go along then."""

_LOADER = Template('''\
def _load_runtime():
    """Write the runtime below to the user's cache, once, and import it from there."""
    import importlib.util, os, sys, tempfile
    from pathlib import Path

    name = "$package"
    if name in sys.modules:
        return sys.modules[name]

    def write(folder):
        for path, text in _RUNTIME.items():
            target = folder / path
            if not target.is_file() or target.read_text(encoding="utf-8") != text:
                target.parent.mkdir(parents=True, exist_ok=True)
                handle, scratch = tempfile.mkstemp(dir=target.parent)
                with open(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                os.chmod(scratch, 0o644)  # others may use the same cache
                os.replace(scratch, target)
        return folder

    try:
        cache = os.environ.get("KERNELEVO_CACHE") or Path.home() / ".cache" / "kernelevo"
        folder = write(Path(cache) / "standalone" / name)
    except (OSError, RuntimeError):  # a cache that cannot be read or written here, or no home
        folder = write(Path(tempfile.mkdtemp(prefix=name)))
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


_load_runtime()
''')

_SEVERAL = Template('''\
import importlib.util
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def _load(name, folder, entry):
    """Import a folder as a package under a name that nobody else has."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(
        name, folder / entry, submodule_search_locations=[str(folder)]
    )
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _load_program():
    """Import the program; its modules find one another by their names, and leave these to others again."""
    folder, own = _HERE / "program", $own
    others = {name: sys.modules.pop(name) for name in [*sys.modules] if name.partition(".")[0] in own}
    sys.path.insert(0, str(folder))
    try:
        return _load("$program", folder, "$entry")
    finally:
        sys.path.remove(str(folder))
        sys.path.append(str(folder))
        for name in [*sys.modules]:
            if name.partition(".")[0] in own:
                del sys.modules[name]
        sys.modules.update(others)


${runtime}globals().update({name: value for name, value in vars(_load_program()).items() if name[:1] != "_"})
''')


@dataclass(frozen=True)
class Standalone:
    """A program and what it needs of kernelevo.

    Args:
        source: the program, its imports of kernelevo renamed.
        note: what it is and how to use it, as comment lines.
        package: private name of the runtime; empty where the program needs none.
        runtime: its files, path -> text.
        beside: the program's other files, treated likewise, path -> text.
    """

    source: str
    note: str
    package: str
    runtime: Mapping[str, str]
    beside: Mapping[str, str] = field(default_factory=dict)

    def as_file(self) -> str:
        """Return all of it as one file: the runtime first, since the program builds while it is imported.

        Raises:
            BadSetting: if the program has several files.
        """
        if self.beside:
            raise BadSetting("a program of several files is no single file", now="export it as a package")
        future, rest = _parted(self.source)
        if not self.runtime:
            return f"{self.note}\n{future}{rest}"
        texts = "".join(f"    {path!r}: {_literal(text)},\n" for path, text in self.runtime.items())
        runtime = f"_RUNTIME = {{\n{texts}}}\n\n\n{_LOADER.substitute(package=self.package)}"
        above = f"{self.note}\n{future}# ---- what the program uses of kernelevo\n\n{runtime}"
        return f"{above}\n\n# ---- the program\n\n{rest}"

    def as_package(self) -> dict[str, str]:
        """Return the files of a package whose ``__init__`` is the program, or imports it: path -> text."""
        if self.beside:
            return self._of_several()
        beside = f".{self.package}"
        whole = _redirected(self.source, self.package, beside) if self.runtime else self.source
        future, rest = _parted(whole)
        return {"__init__.py": f"{self.note}\n{future}{rest}", **self._runtime_files()}

    def _of_several(self) -> dict[str, str]:
        parts = {ENTRY: self.source, **self.beside}
        name = f"_program_{hashlib.sha256(repr(sorted(parts.items())).encode()).hexdigest()[:16]}"
        runtime = (
            f'_load("{self.package}", _HERE / "{self.package}", "__init__.py")\n' if self.runtime else ""
        )
        modules = {Path(path).parts[0].removesuffix(".py") for path in parts if path.endswith(".py")}
        loader = _SEVERAL.substitute(
            program=name, entry=ENTRY, runtime=runtime, own=repr(tuple(sorted(modules)))
        )
        files = {f"program/{path}": text for path, text in parts.items()}
        return {"__init__.py": f"{self.note}\n\n{loader}", **files, **self._runtime_files()}

    def _runtime_files(self) -> dict[str, str]:
        return {f"{self.package}/{path}": text for path, text in self.runtime.items()}


def standalone(source: str, note: Iterable[str] = (), beside: Mapping[str, str] | None = None) -> Standalone:
    """Collect what a program needs of kernelevo.

    Args:
        source: the program, or its entry.
        note: lines that say what it is.
        beside: its other files, path -> text.

    Raises:
        BadProgram: if it does not parse, uses a name that kernelevo does not have, or imports a module from
            inside it.
    """
    others = dict(beside or {})
    used = _used(source).union(*(_used(text) for path, text in others.items() if path.endswith(".py")))
    unknown = sorted(name for name in used if name not in PUBLIC)
    # a name of a whole room (kernelevo.core, .api) is for searching, and no part of a program
    alone = sorted(used - {name for name in used if name in PUBLIC and _file(PUBLIC[name]).is_file()})
    if alone:
        said = "kernelevo does not have" if unknown else "cannot go along"
        raise BadProgram(
            f"the program uses kernelevo.{(unknown or alone)[0]}, which {said}",
            why="only names of the public interface that programs compute with can",
            now="let the program use what kernelevo offers: kernelevo.__all__",
        )
    modules = _closure({PUBLIC[name] for name in used})
    lines = [part for line in note for part in line.splitlines() or [""]]  # a name of a task may hold ends
    comment = "\n".join(f"# {line}".rstrip() for line in lines)
    if not modules:
        plain = {p: _redirected(t, PACKAGE, "") if p.endswith(".py") else t for p, t in others.items()}
        return Standalone(_redirected(source, PACKAGE, ""), comment, "", {}, plain)
    texts = {_path(name): _text(name) for name in sorted(modules)}
    for module in sorted(modules & _NATIVE.keys()):
        root = csrc()
        for path in sorted(root.glob(_NATIVE[module])):
            texts[f"_csrc/{path.relative_to(root).as_posix()}"] = path.read_text(encoding="utf-8")
    version = f'__version__ = "{__version__}"\n'
    head = f'"""Parts of kernelevo {__version__} that the program beside it uses."""\n\n{version}'
    names = "".join(f"from {PUBLIC[n]} import {n} as {n}\n" for n in sorted(used))
    runtime = {"__init__.py": f"{head}{names}", "backends/__init__.py": "", **texts}
    # of two programs in one process each finds the names that it uses
    package = f"_kernelevo_{hashlib.sha256(repr(sorted(runtime.items())).encode()).hexdigest()[:10]}"
    relative = {p: _relative(t, p.count("/")) if p.endswith(".py") else t for p, t in runtime.items()}
    renamed = {p: _redirected(t, PACKAGE, package) if p.endswith(".py") else t for p, t in others.items()}
    return Standalone(_redirected(source, PACKAGE, package), comment, package, relative, renamed)


def _used(source: str) -> set[str]:
    """Return the names of kernelevo that a program uses.

    Raises:
        BadProgram: if it does not parse, or imports a module from inside kernelevo.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise BadProgram(
            "the program is not valid Python",
            why=str(error),
            now="correct it; kernelevo check FILE TASK says where it breaks",
        ) from error
    bound, used, modules = set(), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            bound |= {a.asname or a.name for a in node.names if a.name == PACKAGE}
            modules |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            used |= {a.name for a in node.names if node.module == PACKAGE}
            modules.add(str(node.module))
    inner = sorted(name for name in modules if name.startswith(f"{PACKAGE}."))
    if inner:
        raise BadProgram(
            f"the program imports {inner[0]}, which cannot go along",
            why="only names of the public interface can",
            now=f"import what it uses from {PACKAGE} itself",
        )
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in bound:
            used.add(node.attr)
    return used


def _closure(modules: set[str]) -> set[str]:
    """Return these modules and all of kernelevo's that they import, inside functions too."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for node in ast.walk(ast.parse(_text(name))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == PACKAGE:
                base = str(node.module)
                inner = [f"{base}.{a.name}" for a in node.names if _file(f"{base}.{a.name}").is_file()]
                waiting += inner or [base]
    return found


def _file(module: str) -> Path:
    return Path(__file__).parents[1].joinpath(*module.split(".")[1:]).with_suffix(".py")


def _text(module: str) -> str:
    return _file(module).read_text(encoding="utf-8")


def _path(module: str) -> str:
    return "/".join(module.split(".")[1:]) + ".py"


def _relative(text: str, depth: int) -> str:
    """Make a module's imports of kernelevo relative, so that it works wherever the package lies."""
    dots = "." * (depth + 1)
    text = re.sub(rf"^(\s*)from {PACKAGE}\.", rf"\1from {dots}", text, flags=re.MULTILINE)
    return re.sub(rf"^(\s*)from {PACKAGE} ", rf"\1from {dots} ", text, flags=re.MULTILINE)


def _redirected(source: str, old: str, new: str) -> str:
    """Point a program's imports of a package at another one; no other text changes.

    Args:
        source: the program.
        old: the package that it imports.
        new: the package to import instead, with a dot before it if it lies beside the program; empty where
            nothing of the old one is used: its imports go.
    """
    tree, data = ast.parse(source), source.encode()
    starts = [0, *accumulate(len(line) for line in data.splitlines(keepends=True))]
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    rest = data
    for node in sorted(imports, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        last = node.end_lineno or node.lineno
        # columns of the syntax tree count bytes
        begin, end = starts[node.lineno - 1] + node.col_offset, starts[last - 1] + (node.end_col_offset or 0)
        if isinstance(node, ast.ImportFrom):
            if node.module != old or node.level:
                continue
            statement = re.sub(rf"^(from[\s\\]+){old}\b", rf"\g<1>{new}", data[begin:end].decode())
        elif any(alias.name == old for alias in node.names):
            parts = [_import(alias, old, new) for alias in node.names if new or alias.name != old]
            statement = "; ".join(parts) or "pass"  # it may be all that a block has
            alone = not node.col_offset and data[end : starts[last]].strip()[:1] in (b"", b"#")
            if not parts and node in tree.body and alone:
                statement, end = "", starts[last]
        else:
            continue
        rest = rest[:begin] + statement.encode() + rest[end:]
    return rest.decode()


def _import(alias: ast.alias, old: str, new: str) -> str:
    if alias.name != old:
        return ast.unparse(ast.Import([alias]))
    origin = f"from . import {new[1:]}" if new.startswith(".") else f"import {new}"
    return f"{origin} as {alias.asname or old}"


def _parted(source: str) -> tuple[str, str]:
    """Part a program after its docstring and ``__future__`` imports, which must come first."""
    last = 0
    for index, node in enumerate(ast.parse(source).body):
        string = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if not (future or (string and index == 0)):
            break
        last = int(node.end_lineno or 0)
    lines = [line.decode() for line in source.encode().splitlines(keepends=True)]  # as the syntax tree counts
    head = "".join(lines[:last])
    return (f"{head}\n" if head else ""), "".join(lines[last:]).lstrip("\n")


def _literal(text: str) -> str:
    """Write a text as a literal that can be read, line by line, where it has lines."""
    if "'''" in text or "\\" in text or text.endswith("'"):
        return f"({' '.join(_lines(text))})" if text else "''"
    return f"'''{text}'''" if "\n" in text else repr(text)


def _lines(text: str) -> list[str]:
    return [f"\n        {line!r}" for line in text.splitlines(keepends=True)]
