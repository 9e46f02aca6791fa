"""The docstrings behind a class's attributes.

Read from the source, and only for the documentation: pydantic's `use_attribute_docstrings` would read it on
every start of the command.
"""

import ast
import inspect
import textwrap


def attribute_docs(owner: type) -> dict[str, str]:
    """By attribute, in one line; an attribute without a docstring is left out."""
    (class_,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    assert isinstance(class_, ast.ClassDef)
    docs = {}
    for statement, behind in zip(class_.body, class_.body[1:], strict=False):
        text = _string(behind)
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and text:
            docs[statement.target.id] = " ".join(text.split())
    return docs


def _string(statement: ast.stmt) -> str | None:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
