"""What is in a source file: pure, and never runs what it reads."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # where a statement holds others


@dataclass(frozen=True, slots=True)
class Facts:
    """A source file in figures, and the top-level modules it imports."""

    lines: int
    functions: int
    classes: int
    modules: tuple[str, ...]


def facts_of(source: bytes, name: str) -> Facts:
    """The facts of a file's text. Raises SyntaxError if it is no Python."""
    statements = list(statements_in(ast.parse(source, filename=name)))
    return Facts(
        lines=len(source.splitlines()),
        functions=sum(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in statements),
        classes=sum(isinstance(node, ast.ClassDef) for node in statements),
        modules=tuple(sorted({module for node in statements for module in imported_by(node)})),
    )


def statements_in(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement below this one. Expressions hold none, and most of a tree is expressions."""
    for block in BLOCKS:
        for statement in getattr(node, block, ()):
            yield statement
            yield from statements_in(statement)


def imported_by(node: ast.AST) -> Iterator[str]:
    """The top-level modules an import names; one relative to its own package names none."""
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
        yield node.module.partition(".")[0]
