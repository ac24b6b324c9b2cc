"""Rules such as ``fast < slow`` or ``trades >= 30 and max_drawdown < 0.2``: read into a tree, never run as code."""

import ast
import difflib
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tradectl.model.errors import ErrorCode, Problem

#: What a violation is when it has no size: a text that differs, a measure without a value.
UNMEASURED = 1e9
LONGEST = 500
DEEPEST = 40
_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARE: dict[type, Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
Values = Mapping[str, Any]


class Rule:
    """A condition over names: comparisons (also chained), ``and or not``, ``+ - * /``, numbers and quoted texts.

    Raises ``Problem`` for anything else, and for a name that is not in ``known``; ``field`` names the option.
    """

    def __init__(self, text: str, known: Iterable[str], field: str) -> None:
        self.text, self._field = text, field
        self._tree = self._parsed(text)
        self._check(self._tree, sorted(known), 0)
        if not isinstance(self._tree, ast.Compare | ast.BoolOp) and not _is_not(self._tree):
            raise self._wrong("compares nothing", "write a condition such as fast < slow")

    def holds(self, values: Values) -> bool:
        """Whether the rule is kept. A value without a number (NaN) keeps none."""
        return self.violation(values) == 0.0

    def violation(self, values: Values) -> float:
        """How far ``values`` are from keeping it: 0 when they do, else > 0 (``and``: the worst, ``or``: the least)."""
        return _violation(self._tree, values)

    def _parsed(self, text: str) -> ast.expr:
        if len(text) > LONGEST:
            raise self._wrong(f"is longer than {LONGEST} characters", "split it: the option may be given several times")
        try:
            return ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise self._wrong("is no condition", "write one such as fast < slow or trades >= 30") from None

    def _check(self, node: ast.expr, known: list[str], depth: int) -> None:
        if depth > DEEPEST:
            raise self._wrong("is nested too deeply", "write it more simply")
        if isinstance(node, ast.Name):
            self._check_name(node.id, known)
        elif isinstance(node, ast.Constant):
            if type(node.value) not in (int, float, str, bool):
                raise self._wrong(f"holds {node.value!r}, which is no number or text", "")
        else:
            for part in self._parts(node):
                self._check(part, known, depth + 1)

    def _check_name(self, name: str, known: list[str]) -> None:
        if name in known:
            return
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(known) or 'none'}"
        raise self._wrong(f"names {name}, which is unknown", hint)

    def _parts(self, node: ast.expr) -> list[ast.expr]:
        match node:
            case ast.BoolOp(values=values):
                return values
            case ast.Compare(left=left, comparators=others, ops=ops) if all(type(op) in _COMPARE for op in ops):
                return [left, *others]
            case ast.BinOp(left=left, right=right, op=op) if type(op) in _ARITHMETIC:
                return [left, right]
            case ast.UnaryOp(operand=operand, op=ast.Not() | ast.USub() | ast.UAdd()):
                return [operand]
        raise self._wrong(
            f"holds {ast.unparse(node)!r}", "names, numbers, + - * /, comparisons, and, or, not are known"
        )

    def _wrong(self, rule: str, remedy: str) -> Problem:
        return Problem(
            ErrorCode.INVALID_REQUEST, f"{self._field} {self.text[:80]!r} {rule}", field=self._field, reason=rule,
            remedy=remedy,
        )  # fmt: skip


def _is_not(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def _violation(node: ast.expr, values: Values) -> float:
    match node:
        case ast.BoolOp(op=ast.And(), values=parts):
            return max(_violation(part, values) for part in parts)
        case ast.BoolOp(values=parts):
            return min(_violation(part, values) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return 0.0 if _violation(part, values) else 1.0
        case ast.Compare():
            return max(_missed(op, a, b) for op, a, b in _pairs(node, values))
    return 0.0 if _value(node, values) else 1.0


def _pairs(node: ast.Compare, values: Values) -> Iterator[tuple[type, Any, Any]]:
    sides = [_value(part, values) for part in (node.left, *node.comparators)]
    for op, left, right in zip(node.ops, sides, sides[1:], strict=False):
        yield type(op), left, right


def _missed(op: type, left: Any, right: Any) -> float:
    try:
        if _COMPARE[op](left, right):
            return 0.0 if left == left and right == right else UNMEASURED  # NaN != NaN would pass
        size = abs(float(left) - float(right))
    except (TypeError, ValueError):
        return UNMEASURED
    return min(max(size, 1e-12), UNMEASURED) if math.isfinite(size) else UNMEASURED


def _value(node: ast.expr, values: Values) -> Any:
    match node:
        case ast.Name(id=name):
            return values[name]
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=part):
            return _safely(operator.neg, _value(part, values))
        case ast.UnaryOp(op=ast.UAdd(), operand=part):
            return _value(part, values)
        case ast.BinOp(left=left, right=right, op=op):
            return _safely(_ARITHMETIC[type(op)], _value(left, values), _value(right, values))
    return _violation(node, values) == 0.0


def _safely(operation: Callable[..., Any], *operands: Any) -> Any:
    try:
        return operation(*operands)
    except (ArithmeticError, TypeError):
        return math.nan
