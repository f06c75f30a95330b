"""Edits of Python syntax trees: small changes of one place each, by libcst, which keeps comments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar, cast

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from kernelevo.proposers.blocks import Blocks, blocks_of

Edit = Callable[[Any, Random, "Site"], cst.CSTNode | None]
B = TypeVar("B", bound=cst.CSTNode)

_COMPARE: dict[type[cst.BaseCompOp], tuple[type[cst.BaseCompOp], ...]] = {
    cst.LessThan: (cst.LessThanEqual, cst.GreaterThan),
    cst.LessThanEqual: (cst.LessThan, cst.GreaterThanEqual),
    cst.GreaterThan: (cst.GreaterThanEqual, cst.LessThan),
    cst.GreaterThanEqual: (cst.GreaterThan, cst.LessThanEqual),
}
_ARITHMETIC: dict[type[cst.BaseBinaryOp], tuple[type[cst.BaseBinaryOp], ...]] = {
    cst.Add: (cst.Subtract,),
    cst.Subtract: (cst.Add,),
    cst.Multiply: (cst.Divide, cst.Add),
    cst.Divide: (cst.Multiply,),
    cst.FloorDivide: (cst.Multiply,),
    cst.Power: (cst.Multiply,),
}
_TWINS = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}
_REPEATS = (2, 3, 5, 10)


@dataclass(frozen=True)
class Site:
    """What an edit may know about the surroundings of its node.

    Args:
        expressions: the expressions of the same function, as a pool to take from.
    """

    expressions: tuple[cst.BaseExpression, ...] = ()


def compare(node: cst.ComparisonTarget, rng: Random, site: Site) -> cst.CSTNode | None:
    """Change a comparison."""
    others = _COMPARE.get(type(node.operator))
    return node.with_changes(operator=rng.choice(others)()) if others else None


def arithmetic(node: cst.BinaryOperation, rng: Random, site: Site) -> cst.CSTNode | None:
    """Change an arithmetic operator."""
    others = _ARITHMETIC.get(type(node.operator))
    return node.with_changes(operator=rng.choice(others)()) if others else None


def drop_operand(node: cst.BinaryOperation, rng: Random, site: Site) -> cst.CSTNode | None:
    """Drop one side of an operation."""
    return rng.choice((node.left, node.right))


def other_function(node: cst.Call, rng: Random, site: Site) -> cst.CSTNode | None:
    """Take min for max, floor for ceil, or sort the other way round."""
    name = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
    if not isinstance(name, cst.Name):
        return None
    if name.value in ("sorted", "sort"):
        return _reversed_sort(node)
    twin = _TWINS.get(name.value)
    return node.with_deep_changes(name, value=twin) if twin else None


def _reversed_sort(node: cst.Call) -> cst.Call:
    kept = [arg for arg in node.args if arg.keyword is None or arg.keyword.value != "reverse"]
    if len(kept) < len(node.args):
        return node.with_changes(args=kept)
    plain = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    return node.with_changes(
        args=[*kept, cst.Arg(cst.Name("True"), keyword=cst.Name("reverse"), equal=plain)]
    )


def negate(node: cst.If, rng: Random, site: Site) -> cst.CSTNode | None:
    """Negate a condition, or take its branch always or never."""
    kind = rng.randrange(3)
    if kind:
        return node.with_changes(test=cst.Name("True" if kind == 1 else "False"), whitespace_before_test=_ONE)
    if isinstance(node.test, cst.UnaryOperation) and isinstance(node.test.operator, cst.Not):
        return node.with_changes(test=node.test.expression, whitespace_before_test=_ONE)
    return node.with_changes(
        test=cst.UnaryOperation(cst.Not(), _in_brackets(node.test)), whitespace_before_test=_ONE
    )


def rescale_range(node: cst.For, rng: Random, site: Site) -> cst.CSTNode | None:
    """Let a loop run a multiple or a fraction of its rounds."""
    call = node.iter
    if not (isinstance(call, cst.Call) and isinstance(call.func, cst.Name) and call.func.value == "range"):
        return None
    at = 0 if len(call.args) == 1 else 1
    if at >= len(call.args):
        return None
    operator = rng.choice((cst.Multiply, cst.FloorDivide))()
    number = cst.Integer(str(rng.choice(_REPEATS)))
    value = cst.BinaryOperation(_in_brackets(call.args[at].value), operator, number)
    args = [*call.args[:at], call.args[at].with_changes(value=value), *call.args[at + 1 :]]
    return node.with_changes(iter=call.with_changes(args=args))


def transplant(node: cst.BaseExpression, rng: Random, site: Site) -> cst.CSTNode | None:
    """Put another expression of the same function in the place of this one."""
    others = [other for other in site.expressions if other is not node]
    return _in_brackets(rng.choice(others).deep_clone()) if others else None


def delete_statement(node: cst.IndentedBlock, rng: Random, site: Site) -> cst.CSTNode | None:
    """Leave out one statement of a body that has several."""
    body = list(node.body)
    if len(body) < 2:
        return None
    del body[rng.randrange(len(body))]
    return node.with_changes(body=body)


def swap_statements(node: cst.IndentedBlock, rng: Random, site: Site) -> cst.CSTNode | None:
    """Exchange two neighbouring statements."""
    body = list(node.body)
    if len(body) < 2:
        return None
    at = rng.randrange(len(body) - 1)
    body[at], body[at + 1] = body[at + 1], body[at]
    return node.with_changes(body=body)


def repeat_statement(node: cst.IndentedBlock, rng: Random, site: Site) -> cst.CSTNode | None:
    """Carry out one statement several times."""
    body = list(node.body)
    at = rng.randrange(len(body))
    statement = body[at]
    if isinstance(statement, cst.FunctionDef | cst.ClassDef):
        return None
    header = cst.Call(cst.Name("range"), [cst.Arg(cst.Integer(str(rng.choice(_REPEATS))))])
    body[at] = cst.For(cst.Name("_again"), header, cst.IndentedBlock([statement]))
    return node.with_changes(body=body)


_ONE = cst.SimpleWhitespace(" ")
EDITS: tuple[tuple[type[cst.CSTNode], Edit], ...] = (
    (cst.ComparisonTarget, compare),
    (cst.BinaryOperation, arithmetic),
    (cst.BinaryOperation, drop_operand),
    (cst.Call, other_function),
    (cst.If, negate),
    (cst.For, rescale_range),
    (cst.BaseExpression, transplant),
    (cst.IndentedBlock, delete_statement),
    (cst.IndentedBlock, swap_statements),
    (cst.IndentedBlock, repeat_statement),
)


def _in_brackets(node: cst.BaseExpression) -> cst.BaseExpression:
    if isinstance(node, cst.Name | cst.Integer | cst.Float | cst.Call | cst.Subscript | cst.Attribute):
        return node
    return node.with_changes(lpar=[cst.LeftParen(), *node.lpar], rpar=[*node.rpar, cst.RightParen()])


class Places(cst.CSTVisitor):
    """Collects the nodes of a tree that lie in blocks, with the function that each belongs to."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, blocks: Blocks) -> None:
        super().__init__()
        self._blocks = blocks
        self._functions: list[cst.CSTNode | None] = [None]
        self.found: list[tuple[cst.CSTNode, cst.CSTNode | None]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Take a node up; annotations, decorators, imports and parameters are passed over."""
        kinds = cst.Annotation | cst.Decorator | cst.Import | cst.ImportFrom | cst.Parameters
        if isinstance(node, kinds) or _is_docstring(node):
            return False
        if isinstance(node, cst.FunctionDef):
            self._functions.append(node)
        where = self.get_metadata(PositionProvider, node, None)
        if isinstance(where, CodeRange) and self._blocks.hold(where.start.line, where.end.line):
            self.found.append((node, self._functions[-1]))
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        """Leave a function."""
        if isinstance(original_node, cst.FunctionDef):
            self._functions.pop()


def _is_docstring(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString | cst.ConcatenatedString)


def places(source: str) -> tuple[cst.Module, list[tuple[cst.CSTNode, cst.CSTNode | None]]]:
    """Return the tree of a text and its nodes that may be changed.

    Raises:
        libcst.ParserSyntaxError: if it is not Python.
    """
    wrapper = MetadataWrapper(cst.parse_module(source))
    visitor = Places(blocks_of(source))
    wrapper.visit(visitor)
    return wrapper.module, visitor.found


def edited(
    tree: cst.Module, found: Sequence[tuple[cst.CSTNode, cst.CSTNode | None]], rng: Random
) -> tuple[str, str] | None:
    """Return the text after one random edit, and what the edit does; None if the draw does not fit.

    The kind of edit is drawn first and its place after it, so that a kind with many places is not favoured.
    """
    kind, edit = rng.choice(EDITS)
    targets = [(node, owner) for node, owner in found if isinstance(node, kind)]
    if edit is transplant:
        targets = [(node, owner) for node, owner in targets if _is_value(node) and owner is not None]
    if not targets:
        return None
    node, owner = rng.choice(targets)
    pool = tuple(
        cast(cst.BaseExpression, other) for other, home in found if home is owner and _is_value(other)
    )
    try:
        new = edit(node, rng, Site(pool))
        changed = tree if new is None or new is node else tree.deep_replace(node, new)
    except cst.CSTValidationError:  # ``return(x)`` has no space to spare for an x without brackets
        return None
    doc = (edit.__doc__ or "").split("\n", maxsplit=1)[0].rstrip(".")
    return (changed.code, doc) if isinstance(changed, cst.Module) and changed is not tree else None


def _is_value(node: cst.CSTNode) -> bool:
    kinds = (
        cst.Name | cst.Integer | cst.Float | cst.BinaryOperation | cst.Call | cst.Subscript | cst.Comparison
    )
    return isinstance(node, kinds)
