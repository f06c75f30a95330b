"""Which temporaries of generated code never leave a call, so that their memory may be kept."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence

_PURE = frozenset(
    {"torch.mm", "torch.bmm", "torch.addmm", "torch.baddbmm", "torch.convolution", "_mm_plus_mm"}
)
_VIEW = "reinterpret_tensor"
_ALLOCATE = "empty_strided_cpu"


def reusable(
    body: Sequence[ast.stmt], returned: Sequence[ast.expr], kernels: Collection[str]
) -> frozenset[str]:
    """Names of the ``empty_strided_cpu`` allocations that no result can share memory with.

    A temporary qualifies if it, its views and the names it is handed on to are only given to generated
    kernels and to matrix products and convolutions, whose results never alias their inputs.

    Args:
        body: statements of the generated call, kernel calls written as ``<library>.<kernel>(...)``.
        returned: expressions that are returned.
        kernels: names of the generated kernels.
    """
    allocated: set[str] = set()
    same: dict[str, str] = {}
    leaving: set[str] = set()
    for statement in body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name, value = statement.targets[0].id, statement.value
            if isinstance(value, ast.Call) and ast.unparse(value.func) == _ALLOCATE:
                allocated.add(name)
                continue
            source = _viewed(value)
            if source is not None:
                same[name] = _root(source, same)
                continue
        if isinstance(statement, ast.Delete) or _harmless(statement, kernels):
            continue
        leaving |= {_root(n, same) for n in _names(statement)}
    for expression in returned:
        leaving |= {_root(n, same) for n in _names(expression)}
    return frozenset(allocated - leaving)


def _viewed(value: ast.expr) -> str | None:
    """The name that an expression is another name, or a view, of."""
    while isinstance(value, ast.Call) and ast.unparse(value.func) == _VIEW:
        value = value.args[0]
    return value.id if isinstance(value, ast.Name) else None


def _root(name: str, same: dict[str, str]) -> str:
    while name in same:
        name = same[name]
    return name


def _harmless(statement: ast.stmt, kernels: Collection[str]) -> bool:
    """A kernel call, or a product whose result is new memory or an ``out`` that was allocated above."""
    value = statement.value if isinstance(statement, (ast.Assign, ast.Expr)) else None
    if not isinstance(value, ast.Call):
        return False
    name = ast.unparse(value.func)
    if isinstance(statement, ast.Expr) and name.rpartition(".")[2] in kernels:
        return True
    return name in _PURE


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
