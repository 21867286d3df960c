"""What a request costs an app: ten points a mutation, one an object, rows times their number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
)

_FREE = ("pageInfo", "nodes", "userErrors", "changes")
"""Fields that hold no object of their own: rows are counted by their list."""


def cost_of(document: DocumentNode, variables: Mapping[str, Any]) -> float:
    """The points of a valid request."""
    fragments = {
        node.name.value: node.selection_set
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    total = 0.0
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            base = 9.0 if node.operation is OperationType.MUTATION else 0.0
            total += base + _cost(node.selection_set, variables, fragments)
    return total


def _cost(
    selected: SelectionSetNode,
    variables: Mapping[str, Any],
    fragments: Mapping[str, SelectionSetNode],
) -> float:
    total = 0.0
    for node in selected.selections:
        if isinstance(node, FieldNode):
            if node.selection_set is None:
                continue
            inner = _cost(node.selection_set, variables, fragments)
            rows = _rows(node, variables)
            total += (0.0 if node.name.value in _FREE else 1.0) * rows + inner * rows
        elif isinstance(node, InlineFragmentNode):
            total += _cost(node.selection_set, variables, fragments)
        elif isinstance(node, FragmentSpreadNode):
            total += _cost(fragments[node.name.value], variables, fragments)
    return total


def _rows(node: FieldNode, variables: Mapping[str, Any]) -> int:
    """How many objects a field may give."""
    for argument in node.arguments or ():
        value: Any = argument.value
        if isinstance(value, VariableNode):
            value = variables.get(value.name.value)
        if argument.name.value == "first":
            return int(value.value) if isinstance(value, IntValueNode) else int(value or 1)
        if argument.name.value == "ids" and isinstance(value, list):
            return len(value)
    return 1
