"""What a package declares that it needs: a name, bounds, and where they hold (PEP 508 and PEP 440, as far as met).

Written here because a computer whose packages are broken may lack the one that reads them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[(?P<extras>[^\]]*)\])?\s*\(?(?P<bounds>[^;()]*)\)?\s*"
    r"(?:;(?P<marker>.*))?"
)
_BOUND = re.compile(r"(===|==|!=|~=|<=|>=|<|>)\s*(\S+)")
_VERSION = re.compile(r"v?(?:\d+!)?(?P<release>\d+(?:\.\d+)*)(?P<rest>[^+]*)")
_BEFORE, _FINAL, _AFTER = -1, 0, 1


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package that is needed where `marker` holds ("" everywhere); `bounds` as written, `extras` what of it."""

    name: str
    bounds: str
    marker: str
    extras: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name + self.bounds

    def holds(self, values: Mapping[str, str], extra: str = "") -> bool:
        """Tell whether it is needed here, for an extra or without one. Raises ValueError for an unknown marker."""
        if not self.marker:
            return True
        try:
            tree = ast.parse(self.marker.strip(), mode="eval")
        except SyntaxError as error:
            raise ValueError(f"the marker {self.marker!r} can't be read") from error
        return _true(tree.body, {**values, "extra": extra})

    def admits(self, version: str) -> bool:
        """Tell whether a version is within the bounds. Raises ValueError for what can't be compared."""
        return all(_within(version, sign, bound) for sign, bound in _BOUND.findall(self.bounds.replace(",", " ")))


def read_requirement(text: str) -> Requirement:
    """Return the requirement that a line of a package's metadata states. Raises ValueError."""
    found = _REQUIREMENT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"the requirement {text!r} can't be read")
    extras = tuple(extra.strip() for extra in (found["extras"] or "").split(",") if extra.strip())
    return Requirement(found["name"], (found["bounds"] or "").strip(), (found["marker"] or "").strip(), extras)


def _true(node: ast.expr, values: Mapping[str, str]) -> bool:
    if isinstance(node, ast.BoolOp):
        parts = (_true(part, values) for part in node.values)
        return all(parts) if isinstance(node.op, ast.And) else any(parts)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        (operator,), (right,) = node.ops, node.comparators
        by_version = any(isinstance(each, ast.Name) and "version" in each.id for each in (node.left, right))
        return _compared(_value(node.left, values), operator, _value(right, values), by_version)
    raise ValueError(f"the marker {ast.unparse(node)!r} can't be read")


def _value(node: ast.expr, values: Mapping[str, str]) -> str:
    if isinstance(node, ast.Name) and node.id in values:
        return values[node.id]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise ValueError(f"{ast.unparse(node)} of a marker is not known")


_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


def _compared(left: str, operator: ast.cmpop, right: str, by_version: bool) -> bool:
    if isinstance(operator, ast.Is | ast.IsNot):
        raise ValueError("a marker asks whether texts are one object")
    sign = _SIGNS.get(type(operator))
    if sign is None:
        return (left in right) is isinstance(operator, ast.In)
    if by_version:
        return _within(left, sign, right)
    if sign in ("==", "!="):
        return (left == right) is (sign == "==")
    raise ValueError("a marker compares texts by size")


def _within(version: str, sign: str, bound: str) -> bool:
    if sign == "===":
        return version == bound
    if sign in ("==", "!="):
        same = _starts(version, bound[:-2]) if bound.endswith(".*") else _key(version) == _key(bound)
        return same is (sign == "==")
    if sign == "~=":
        return _key(version) >= _key(bound) and _starts(version, bound.rpartition(".")[0])
    if sign == "<":
        # 1.30rc1 comes before 1.30, and is kept out with it.
        return _release(version) < _release(bound)
    if sign == ">":
        return _release(version) > _release(bound)
    return _key(version) >= _key(bound) if sign == ">=" else _key(version) <= _key(bound)


def _key(version: str) -> tuple[tuple[int, ...], int]:
    """Return what orders versions: the release, then whether it is one before, that itself, or after it."""
    rest = _parsed(version)["rest"].lower()
    if not rest:
        return _release(version), _FINAL
    return _release(version), _AFTER if "post" in rest or rest.startswith("-") else _BEFORE


def _release(version: str) -> tuple[int, ...]:
    numbers = [int(number) for number in _parsed(version)["release"].split(".")]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _starts(version: str, bound: str) -> bool:
    wanted = [int(number) for number in _parsed(bound)["release"].split(".")]
    there = [int(number) for number in _parsed(version)["release"].split(".")]
    there += [0] * (len(wanted) - len(there))
    return there[: len(wanted)] == wanted


def _parsed(version: str) -> re.Match[str]:
    found = _VERSION.match(version)
    if found is None:
        raise ValueError(f"{version!r} is no version")
    return found
