"""Wrapper: the text that Inductor generates around its kernels, taken apart."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kernelevo.graphs.harvest.opaque import HarvestError

_CHECKS = ("assert_size_stride", "assert_alignment")
_ENTRY = "call"


@dataclass(frozen=True)
class Kernel:
    """One generated kernel.

    Args:
        name: the name it is called by.
        kind: how it was declared, e.g. ``"cpp_pybinding"`` or ``"triton"``.
        source: its source text.
        types: C types of its arguments, empty where they were not declared.
    """

    name: str
    kind: str
    source: str
    types: tuple[str, ...]


@dataclass(frozen=True)
class Wrapper:
    """Generated kernels and the statements that call them.

    Args:
        arguments: names of the inputs, in order.
        kernels: kernels by order of declaration.
        body: statements between unpacking the inputs and the return; checks are left out.
        returned: what is returned, one expression per output.
    """

    arguments: tuple[str, ...]
    kernels: tuple[Kernel, ...]
    body: tuple[ast.stmt, ...]
    returned: tuple[ast.expr, ...]


def parse_wrapper(text: str) -> Wrapper:
    """Take Inductor's text apart.

    Raises:
        HarvestError: if it has another form than the one known here.
    """
    tree = ast.parse(text)
    kernels = tuple(_kernels(tree))
    entry = _entry(tree)
    body = list(_flat(entry.body))
    if not body or not isinstance(body[-1], ast.Return) or not isinstance(body[-1].value, ast.Tuple):
        raise HarvestError("the generated code does not end with a tuple of results")
    arguments: tuple[str, ...] = ()
    if _unpacks(body[0]):
        arguments = _unpacked(body.pop(0))
    kept = [s for s in body[:-1] if not _is_call_of(s, *_CHECKS) and ast.unparse(s) != "args.clear()"]
    return Wrapper(arguments, kernels, tuple(kept), tuple(body[-1].value.elts))


def free_names(nodes: Sequence[ast.AST]) -> set[str]:
    """Names that the nodes read and never bind; builtins left out."""
    read: set[str] = set()
    bound: set[str] = set()
    for node in nodes:
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                (read if isinstance(part.ctx, ast.Load) else bound).add(part.id)
    return read - bound - set(dir(builtins))


def _entry(tree: ast.Module) -> ast.FunctionDef:
    found = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == _ENTRY]
    if len(found) != 1:
        raise HarvestError(f"the generated code has {len(found)} entry points, expected one")
    partitions = [
        n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name.startswith("partition_")
    ]
    if partitions:
        raise HarvestError("the generated code is partitioned")
    return found[0]


def _kernels(tree: ast.Module) -> Iterator[Kernel]:
    for statement in tree.body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
            continue
        call, target = statement.value, statement.targets[0]
        if not isinstance(call.func, ast.Attribute) or not isinstance(target, ast.Name):
            continue
        if not isinstance(call.func.value, ast.Name) or call.func.value.id != "async_compile":
            continue
        texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        types: tuple[str, ...] = ()
        if call.args and isinstance(call.args[0], ast.List):
            types = tuple(ast.literal_eval(call.args[0]))
        if not texts:
            raise HarvestError(f"kernel {target.id} is declared without a source")
        yield Kernel(target.id, call.func.attr, texts[-1], types)


def _flat(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements in order, those under a device guard included."""
    for statement in body:
        if isinstance(statement, ast.With):
            yield from _flat(statement.body)
        else:
            yield statement


def _unpacks(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Name)
        and statement.value.id == "args"
        and isinstance(statement.targets[0], (ast.Tuple, ast.List))
    )


def _unpacked(statement: ast.stmt) -> tuple[str, ...]:
    assert isinstance(statement, ast.Assign) and isinstance(statement.targets[0], (ast.Tuple, ast.List))
    return tuple(e.id for e in statement.targets[0].elts if isinstance(e, ast.Name))


def _is_call_of(statement: ast.stmt, *names: str) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and isinstance(statement.value.func, ast.Name)
        and statement.value.func.id in names
    )
