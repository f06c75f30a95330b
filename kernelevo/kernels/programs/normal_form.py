"""NormalForm: a program's text without what cannot change what it does, and whether that may be believed.

Comments, layout, quotes and docstrings go; names stay. Sources handed to ``kernelevo.cuda`` and
``kernelevo.cpp`` are taken out and listed, to be compared by the machine code that they become.

A program could look at its own text (``open(__file__)``, ``inspect``, line numbers in tracebacks, the hash in
its module's name) and behave by a comment. So only programs have a normal form in which nothing does: the
names that they use are their own, a few builtins, or what a short list of modules holds; nothing private, no
handler of exceptions, and classes and kernels are only called, never printed or passed on. Whoever writes in
another way has none, and is always judged by itself.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from kernelevo.backends.kernel_sources import KernelSource, find
from kernelevo.kernels.programs import guard

_BUILTINS = {
    "abs", "all", "any", "bool", "dict", "enumerate", "float", "int", "isinstance", "len", "list", "map",
    "max", "min", "property", "range", "reversed", "round", "set", "sorted", "staticmethod", "sum", "super",
    "tuple", "zip", "ValueError", "TypeError", "RuntimeError", "NotImplementedError", "AssertionError",
}  # fmt: skip
_MODULES = {
    "torch", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.nn.parameter", "torch.linalg",
    "torch.special", "torch.fft", "torch.backends", "torch.backends.cuda", "torch.backends.cudnn",
    "triton", "triton.language", "triton.language.extra", "triton.language.extra.cuda", "math", "typing",
    "kernelevo", "__future__",
}  # fmt: skip
_OPERATORS = {"aten", "prims", "mkldnn", "mkl", "onednn", "quantized"}
# what reads or shows a text, a file or a place in one, whatever object it is asked of
_REVEALING = {
    "src", "source", "raw_src", "fn", "cache_key", "hash", "starting_line_number", "path", "made_by",
    "load", "save", "from_file", "compile", "numpy", "tofile", "dump", "dumps", "format", "format_map", "asm",
    "hub", "package", "utils", "library", "serialization", "overrides", "distributed", "export", "fx",
    "classes", "testing", "multiprocessing", "profiler", "monitor", "cpp_extension", "warmup", "preload",
    "load_library", "tb_frame", "f_lineno", "script", "trace",
}  # fmt: skip


@dataclass(frozen=True)
class NormalForm:
    """What decides a program's behaviour, as far as its text goes.

    Args:
        shell: digest of the normalised program with its kernels' sources taken out.
        sources: those sources, in the order of their places.
    """

    shell: str
    sources: tuple[KernelSource, ...]


def normal_form(source: str) -> NormalForm | None:
    """Return a program's normal form; None where its text might matter in other ways."""
    if guard.read(source).problem or guard.read(source).form != "declared":
        return None
    tree = ast.parse(source)
    calls = [call for call in find(tree) if call.only and call.node is not None]
    places: dict[int, int] = {}
    for call in calls:
        assert call.node is not None
        place = places.setdefault(id(call.node), len(places))
        call.node.value = f"kernel source {place}"
    modules = _imported(tree)
    if modules is None or not _Screen(tree, modules).passed():
        return None
    tree = _Stripped().visit(tree)
    shell = hashlib.sha256(ast.dump(tree, include_attributes=False).encode("utf-8", "surrogatepass"))
    return NormalForm(shell.hexdigest(), tuple(calls))


class _Stripped(ast.NodeTransformer):
    """Drops statements that do nothing: docstrings, comments written as texts, ``pass``."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else node

    def visit_Pass(self, node: ast.Pass) -> None:
        return None


class _Screen:
    """Whether nothing in a program can look at the program.

    Args:
        tree: the program.
        modules: name -> what an import binds to it.
    """

    def __init__(self, tree: ast.Module, modules: dict[str, Any]) -> None:
        self._modules = modules
        nodes = list(ast.walk(tree))
        self._parents = {id(child): node for node in nodes for child in ast.iter_child_nodes(node)}
        functions = [n for n in nodes if isinstance(n, ast.FunctionDef)]
        kernels = [f for f in functions if _is_kernel(f)]
        compiled = {id(n) for f in kernels for part in f.body for n in ast.walk(part)}
        self._names = {n.id for n in nodes if isinstance(n, ast.Name)}
        self._run = [n for n in nodes if id(n) not in compiled]
        self._called = {n.name for n in nodes if isinstance(n, ast.ClassDef)} | {f.name for f in kernels}
        self._own = {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
        self._own |= {n.arg for n in nodes if isinstance(n, ast.arg)} | {f.name for f in functions}
        self._own |= self._called
        texts = (n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))
        self._percent = any("%" in text for text in texts)

    def passed(self) -> bool:
        """Look at every node that Python runs; Triton compiles the bodies of kernels."""
        if any(name.startswith("__") for name in self._names) or self._own & set(self._modules):
            return False  # with another triton, a kernel's decorator might be anything
        return all(self._fine(node) for node in self._run)

    def _fine(self, node: ast.AST) -> bool:
        match node:
            case ast.Name(ctx=ast.Load()):
                return self._name(node)
            case ast.Attribute():
                return self._attribute(node)
            case ast.ClassDef():
                # modules show themselves by their name alone; other classes show where they come from
                bases = [ast.unparse(base) for base in node.bases]
                plain = not node.decorator_list and not node.keywords
                return plain and bases in (["nn.Module"], ["torch.nn.Module"], ["Module"])
            case ast.BinOp(op=ast.Mod()):  # "%s" % thing
                return not self._percent or isinstance(node.left, ast.Constant | ast.BinOp)
            case ast.FunctionDef(name=name):
                return name == "__init__" or not name.startswith("__")
            case ast.AsyncFunctionDef() | ast.Await() | ast.Try() | ast.TryStar() | ast.Match():
                return False
        return True

    def _name(self, node: ast.Name) -> bool:
        if node.id not in self._own and node.id not in self._modules and node.id not in _BUILTINS:
            return False
        parent = self._parents.get(id(node))
        above = self._parents.get(id(parent))
        if node.id == "super":  # super().__init__, never super() as a value, which shows the class
            return isinstance(parent, ast.Call) and isinstance(above, ast.Attribute)
        if isinstance(self._modules.get(node.id), ModuleType):  # no module under another name
            return isinstance(parent, ast.Attribute)
        if node.id not in self._called:
            return True
        if isinstance(parent, ast.Subscript):  # kernel[grid](...)
            return parent.value is node and isinstance(above, ast.Call) and above.func is parent
        return isinstance(parent, ast.Call) and parent.func is node

    def _attribute(self, node: ast.Attribute) -> bool:
        """Whether it is neither private, nor revealing, nor leads out of the modules of the list."""
        name = node.attr
        if name.startswith("_") and name != "__init__":
            return False
        if name in _REVEALING:
            return False
        if isinstance(self._parents.get(id(node)), ast.Attribute):
            return True  # the longer chain is resolved
        chain: list[str] = []
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            chain.insert(0, root.attr)
            root = root.value
        if not isinstance(root, ast.Name) or root.id not in self._modules:
            return True
        return _leads(self._modules[root.id], chain)


def _is_kernel(function: ast.FunctionDef) -> bool:
    """Whether Triton compiles its body; Python does not run it then."""
    return any(ast.unparse(d).split("(")[0] == "triton.jit" for d in function.decorator_list)


def _leads(start: Any, chain: list[str]) -> bool:
    """Whether a chain of names stays inside the modules of the list."""
    found = start
    for position, name in enumerate(chain):
        if isinstance(found, ModuleType) and found.__name__ == "torch.ops":
            return name in _OPERATORS
        if name == "ops" and getattr(found, "__name__", "") == "torch":
            return len(chain) > position + 1 and chain[position + 1] in _OPERATORS
        if not isinstance(found, ModuleType):
            return True  # an attribute of an object: its name was looked at
        try:
            found = getattr(found, name)
        except (AttributeError, ImportError):
            return False
        if isinstance(found, ModuleType) and found.__name__ not in _MODULES:
            return False
    return True


def _imported(tree: ast.Module) -> dict[str, Any] | None:
    """Return name -> what an import binds to it; None if anything of it is not on the list."""
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                module = _module(alias.name)
                if module is None:
                    return None
                found[alias.asname or alias.name.split(".")[0]] = (
                    module if alias.asname else _module(alias.name.split(".")[0])
                )
        elif isinstance(node, ast.ImportFrom):
            module = _module(node.module or "")
            if module is None or node.level:
                return None
            for alias in node.names:
                if alias.name.startswith("_") or alias.name in _REVEALING or not _leads(module, [alias.name]):
                    return None
                found[alias.asname or alias.name] = getattr(module, alias.name, None)
    return found


def _module(name: str) -> Any:
    if name not in _MODULES:
        return None
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
