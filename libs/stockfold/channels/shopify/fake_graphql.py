"""The part of Shopify's Admin GraphQL schema that stock needs, served from an imitated shop.

Any query is answered that this part of the schema allows, and refused as Shopify refuses it
otherwise. Costs follow the published rules: ten points a mutation, one an object, rows of a list
times its length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    VariableNode,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from stockfold.channels.shopify.fake_stock import Item, Stock
from stockfold.channels.shopify.terms import CHANGE_FROM, INPUTS_MAX

MANDATORY_FROM = "2026-04"
"""From this version on ``@idempotent`` and ``changeFromQuantity`` must be given."""
PAGE_MAX = 250
_SDL = """
{directive}
interface Node {{ id: ID! }}
type Query {{
  inventoryItem(id: ID!): InventoryItem
  inventoryItems(first: Int, after: String, query: String): InventoryItemConnection!
  nodes(ids: [ID!]!): [Node]!
}}
type PageInfo {{
  hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String
}}
type InventoryItemConnection {{ nodes: [InventoryItem!]! pageInfo: PageInfo! }}
type InventoryLevelConnection {{ nodes: [InventoryLevel!]! }}
type InventoryItem implements Node {{
  id: ID! sku: String tracked: Boolean! variant: ProductVariant!
  inventoryLevel(locationId: ID!): InventoryLevel
  inventoryLevels(first: Int): InventoryLevelConnection!
}}
type ProductVariant implements Node {{ id: ID! sku: String }}
type InventoryLevel implements Node {{
  id: ID! location: Location! quantities(names: [String!]!): [InventoryQuantity!]!
}}
type InventoryQuantity {{ name: String! quantity: Int! }}
type Location implements Node {{ id: ID! name: String! }}
type Mutation {{
  inventorySetQuantities(input: InventorySetQuantitiesInput!): InventorySetQuantitiesPayload
}}
type InventorySetQuantitiesPayload {{
  inventoryAdjustmentGroup: InventoryAdjustmentGroup
  userErrors: [InventorySetQuantitiesUserError!]!
}}
type InventorySetQuantitiesUserError {{ code: String field: [String!] message: String! }}
type InventoryAdjustmentGroup {{
  reason: String! referenceDocumentUri: String changes: [InventoryChange!]!
}}
type InventoryChange {{
  name: String! delta: Int! quantityAfterChange: Int item: InventoryItem location: Location
}}
input InventorySetQuantitiesInput {{
  reason: String! name: String! referenceDocumentUri: String
  quantities: [InventoryQuantityInput!]! {ignore}
}}
input InventoryQuantityInput {{
  inventoryItemId: ID! locationId: ID! quantity: Int! {compare}
}}
"""
_UNKNOWN_FIELD = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'")
_BAD_VALUE = re.compile(r"Variable '\$(\w+)' (?:got|has) invalid value")
_REQUIRED = "is required for this mutation but was not provided."
_MUST_INCLUDE = "InventoryQuantityInput must include the following argument: changeFromQuantity."
_PHRASE = re.compile(r"sku:'((?:[^'\\]|\\.)*)'")
_WORD = re.compile(r"\w+")
Answer = dict[str, Any]


@cache
def schema_of(version: str) -> GraphQLSchema:
    """The schema of a version, as far as it goes."""
    old, new = version < MANDATORY_FROM, version >= CHANGE_FROM
    sdl = _SDL.format(
        directive="directive @idempotent(key: String!) on FIELD" if new else "",
        ignore="ignoreCompareQuantity: Boolean = false" if old else "",
        compare=("compareQuantity: Int " if old else "")
        + ("changeFromQuantity: Int" if new else ""),
    )
    schema = build_schema(sdl)
    fields = schema.type_map
    fields["Node"].resolve_type = lambda value, _info, _type: type_name(value)  # type: ignore[attr-defined]
    return schema


@cache
def _parsed(version: str, query: str) -> tuple[DocumentNode, Sequence[GraphQLError]]:
    document = parse(query)
    return document, validate(schema_of(version), document)


def type_name(value: Any) -> str:
    """The GraphQL type of what a resolver gave."""
    return "InventoryItem" if isinstance(value, Item) else "Location"


class Root:
    """Resolves the roots of queries and mutations on an imitated shop's stock."""

    def __init__(self, stock: Stock, version: str) -> None:
        self.stock = stock
        self.version = version
        self.now_s = 0.0
        self.items_most = 0
        self._variables: Mapping[str, Any] = {}

    def answer(self, document: DocumentNode, asked: Mapping[str, Any]) -> Answer:
        """``data`` and ``errors`` of a request whose document was checked."""
        variables = self._variables = asked.get("variables") or {}
        result = execute_sync(
            schema_of(self.version),
            document,
            root_value=self,
            variable_values=variables,
            operation_name=asked.get("operationName"),
            field_resolver=resolve,
        )
        return _told(result, variables)

    def checked(self, asked: Mapping[str, Any]) -> tuple[DocumentNode | None, list[Answer]]:
        """The document of a request; or why it is none of this schema."""
        try:
            document, wrong = _parsed(self.version, str(asked.get("query")))
        except GraphQLError as error:
            return None, [{"message": error.message, "extensions": {"code": "BAD_REQUEST"}}]
        return (None, [_refusal(one) for one in wrong]) if wrong else (document, [])

    # The roots.

    def inventoryItem(self, _info: GraphQLResolveInfo[Any], id: str) -> Item | None:  # noqa: A002, N802
        """One item, None when it is not there."""
        return self.stock.items.get(id)

    def nodes(self, _info: GraphQLResolveInfo[Any], ids: list[str]) -> list[Item | None]:
        """Items in the order of their ids, None for those that are not there."""
        _bounded("nodes", "ids", ids)
        return [self.stock.items.get(one) for one in ids]

    def inventoryItems(  # noqa: N802
        self,
        _info: GraphQLResolveInfo[Any],
        first: int | None = None,
        after: str | None = None,
        query: str | None = None,
    ) -> Answer:
        """A page of the items that a search finds."""
        if first is None or not 1 <= first <= PAGE_MAX:
            raise _coded("you must provide one of first or last", "BAD_REQUEST")
        found = [item for item in self.stock.items.values() if _matches(item, query or "")]
        start = int(after.removeprefix("cursor-")) if after else 0
        rows = found[start : start + first]
        cursor = f"cursor-{start + len(rows)}" if rows else None
        about = {
            "hasNextPage": start + len(rows) < len(found),
            "hasPreviousPage": start > 0,
            "startCursor": f"cursor-{start + 1}" if rows else None,
            "endCursor": cursor,
        }
        return {"nodes": rows, "pageInfo": about}

    def inventorySetQuantities(  # noqa: N802
        self,
        info: GraphQLResolveInfo[Any],
        input: dict[str, Any],  # noqa: A002
    ) -> Answer:
        """All of what is asked for, or errors."""
        rows = input["quantities"]
        _bounded("inventorySetQuantities", "quantities", rows)
        self.items_most = max(self.items_most, len(rows))
        key = self._key(info)
        if self.version >= MANDATORY_FROM:
            if key is None:
                text = (
                    "The @idempotent directive is required for this mutation but was not provided."
                )
                raise _coded(text, "BAD_REQUEST")
            if any("changeFromQuantity" not in row for row in rows):
                raise _coded(_MUST_INCLUDE, "INVALID_FIELD_ARGUMENTS")
        return self.stock.set(input) if key is None else self.stock.set_once(key, input, self.now_s)

    def _key(self, info: GraphQLResolveInfo[Any]) -> str | None:
        """What ``@idempotent`` says; None without it."""
        for directive in info.field_nodes[0].directives or ():
            for argument in directive.arguments or ():
                value = argument.value
                if isinstance(value, VariableNode):
                    return str(self._variables[value.name.value])
                return str(value.to_dict()["value"])
        return None


def resolve(source: Any, info: GraphQLResolveInfo[Any], **given: Any) -> Any:
    """One field of what a resolver gave."""
    name = info.field_name
    if isinstance(source, Root):
        return getattr(source, name)(info, **given)
    if isinstance(source, Item):
        return _of_item(source, name, given)
    if name == "quantities":
        level = source["level"]
        return [{"name": one, "quantity": level.get(one)} for one in given["names"]]
    if name == "location":
        return {"id": source["location"], "name": source["location"].rpartition("/")[2]}
    return source.get(name)


def _of_item(item: Item, name: str, given: Mapping[str, Any]) -> Any:
    levels = {
        place: {
            "id": f"gid://shopify/InventoryLevel/{item.number}",
            "location": place,
            "level": one,
        }
        for place, one in item.levels.items()
    }
    if name == "inventoryLevel":
        return levels.get(given["locationId"])
    if name == "inventoryLevels":
        return {"nodes": list(levels.values())[: given.get("first", PAGE_MAX)]}
    if name == "variant":
        return {"id": f"gid://shopify/ProductVariant/{item.number + 10**6}", "sku": item.sku}
    return getattr(item, name)


def _matches(item: Item, query: str) -> bool:
    """Whether the words of a phrase are in the SKU, one after the other, in any case."""
    words = tuple(word.lower() for word in _WORD.findall(item.sku))
    for wanted in _phrases(query):
        last = len(words) - len(wanted)
        if any(words[at : at + len(wanted)] == wanted for at in range(last + 1)):
            return True
    return not query


@lru_cache(maxsize=8)
def _phrases(query: str) -> tuple[tuple[str, ...], ...]:
    """The words of each phrase: the same for every item that a search looks at."""
    plain = (re.sub(r"\\(.)", r"\1", phrase) for phrase in _PHRASE.findall(query))
    return tuple(tuple(word.lower() for word in _WORD.findall(text)) for text in plain)


def _bounded(root: str, argument: str, given: list[Any]) -> None:
    if len(given) > INPUTS_MAX:
        text = (
            f"The input array size of {len(given)} is greater than the maximum allowed "
            f"of {INPUTS_MAX}."
        )
        raise GraphQLError(
            text, path=[root, argument], extensions={"code": "MAX_INPUT_SIZE_EXCEEDED"}
        )


def _coded(message: str, code: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code})


def _told(result: ExecutionResult, variables: Mapping[str, Any]) -> Answer:
    told: Answer = {}
    if result.errors:
        told["errors"] = [_refusal(error, variables) for error in result.errors]
    whole = [one for one in told.get("errors", ()) if one["extensions"]["code"] in _WITHOUT_DATA]
    if result.data is not None and not whole:
        told["data"] = result.data
    return told


_WITHOUT_DATA = ("INVALID_VARIABLE", "MAX_INPUT_SIZE_EXCEEDED")


def _refusal(error: GraphQLError, variables: Mapping[str, Any] | None = None) -> Answer:
    """An error in Shopify's words."""
    locations = [{"line": at.line, "column": at.column} for at in error.locations or ()]
    told: Answer = {"message": error.message, "locations": locations}
    unknown = _UNKNOWN_FIELD.match(error.message)
    bad = _BAD_VALUE.match(error.message)
    if unknown is not None:
        told["message"] = f"Field '{unknown[1]}' doesn't exist on type '{unknown[2]}'"
        told["extensions"] = {
            "code": "undefinedField",
            "typeName": unknown[2],
            "fieldName": unknown[1],
        }
    elif bad is not None:
        told["extensions"] = {
            "code": "INVALID_VARIABLE",
            "value": (variables or {}).get(bad[1]),
            "problems": [{"path": [], "explanation": error.message}],
        }
    else:
        told["extensions"] = {"code": (error.extensions or {}).get("code", "BAD_REQUEST")}
        if error.path:
            told["path"] = list(error.path)
    return told
