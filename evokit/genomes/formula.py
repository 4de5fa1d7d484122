"""A tree as a formula that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

BINARY: Mapping[str, tuple[str, int]] = {  # how it is written, and how strongly it binds
    "or": ("or", 1), "and": ("and", 2), "lt": ("<", 4), "add": ("+", 5), "sub": ("-", 5), "mul": ("*", 6),
    "div": ("/", 6),
}  # fmt: skip
UNARY: Mapping[str, tuple[str, int]] = {"not": ("not ", 3), "neg": ("-", 7)}
ATOM = 9


def infix(nodes: Sequence[str | float], arities: Sequence[int]) -> str:
    """The formula, in which two trees are alike only if they are.

    Args:
        nodes: Names and constants, depth first.
        arities: How many branches each has.

    >>> infix(["mul", "x", "add", "x", -0.5], [2, 0, 2, 0, 0])
    'x * (x + (-0.5))'
    """
    parts: list[tuple[str, int]] = []  # of what was read so far from the end, and how strongly it binds
    for node, arity in zip(reversed(nodes), reversed(arities), strict=True):
        branches = [parts.pop() for _ in range(arity)]
        parts.append(_joined(str(node), branches) if arity else _leaf(node))
    return parts[0][0]


def _leaf(node: str | float) -> tuple[str, int]:
    text = str(node)
    return text, 0 if text.startswith("-") else ATOM


def _joined(name: str, branches: Sequence[tuple[str, int]]) -> tuple[str, int]:
    if name in BINARY and len(branches) == 2:
        sign, strength = BINARY[name]
        left, right = _within(branches[0], strength), _within(branches[1], strength + 1)
        return f"{left} {sign} {right}", strength
    if name in UNARY and len(branches) == 1:
        sign, strength = UNARY[name]
        return f"{sign}{_within(branches[0], strength + 1)}", strength
    return f"{name}({', '.join(text for text, _ in branches)})", ATOM


def _within(part: tuple[str, int], strength: int) -> str:
    text, own = part
    return text if own >= strength else f"({text})"
