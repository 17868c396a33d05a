"""docs/schema is what the code prints: fresh, complete, and every command has its document."""

import inspect
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from orderkit.console import acting_documents, documents, looking_documents, rehearsal_documents, schemas
from orderkit.console.looking_documents import PaperDocument
from tests.cli.normal import document_of
from tests.cli.tree import COMMANDS, ORDERS, options_of
from tests.support import Desk


def test_the_files_are_those_of_the_code() -> None:
    written = {path.name: path.read_text() for path in schemas.FOLDER.iterdir()}
    assert written == schemas.files(), "uv run python -m orderkit.console.schemas"


def test_every_document_has_a_schema() -> None:
    kinds = {
        kind
        for module in (documents, looking_documents, acting_documents, rehearsal_documents)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, msgspec.Struct) and "schema" in kind.__struct_fields__
    }
    assert kinds <= set(schemas.DOCUMENTS.values())


def test_every_command_that_speaks_json_has_a_document() -> None:
    speaking = {name for name in COMMANDS if "--json" in options_of(name)}
    assert speaking - {*ORDERS} | {"close"} == set(schemas.PRINTED)  # an order command; with --all it is not
    assert {name for names in schemas.PRINTED.values() for name in names} <= set(schemas.DOCUMENTS)


@pytest.mark.parametrize("name", list(schemas.DOCUMENTS))
def test_every_field_is_required_and_each_reference_leads_somewhere(name: str) -> None:
    schema = schemas.schema_of(name)
    for variant in [schema["$defs"][ref["$ref"].rpartition("/")[2]] for ref in schema.get("anyOf", ())] or [
        schema
    ]:
        assert variant["required"] == list(variant["properties"])
        assert variant["properties"]["schema"] == {"const": 1}

    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            yield from ([node["$ref"]] if "$ref" in node else [])
            node = list(node.values())
        if isinstance(node, list):
            for item in node:
                yield from references(item)

    assert {ref.rpartition("/")[2] for ref in references(schema)} <= set(schema.get("$defs", ()))


def test_the_paper_commands_print_their_document(desk: Desk) -> None:
    assert document_of(desk.bot("paper status --json"), PaperDocument).running
