"""JSON Schemas of every document: ``python -m orderkit.console.schemas`` writes them to docs/schema/."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any

import msgspec

from orderkit.console import acting_documents as acting
from orderkit.console import documents as base
from orderkit.console import looking_documents as looking
from orderkit.console import rehearsal_documents as rehearsal
from orderkit.console.event_documents import EventDocument
from orderkit.console.risk_gate import RiskDocument

FOLDER = Path(__file__).parents[3] / "docs" / "schema"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

DOCUMENTS: Mapping[str, type[msgspec.Struct] | UnionType] = {
    "balances": looking.BalancesDocument,
    "book": looking.BookDocument,
    "cancel": acting.CancelDocument,
    "closed": acting.ClosedDocument,
    "control": base.ControlDocument,
    "doctor": looking.DoctorDocument,
    "error": base.ErrorDocument,
    "event": EventDocument,
    "flatten": acting.FlattenDocument,
    "history": looking.HistoryDocument,
    "info": looking.InfoDocument,
    "job": base.JobDocument,
    "job-list": looking.JobListDocument,
    "jobs": base.JobsDocument,
    "logs": looking.LogsDocument,
    "modify": acting.ModifyDocument,
    "orders": looking.OrdersDocument,
    "paper": looking.PaperDocument,
    "paper-deposit": rehearsal.PaperDepositDocument,
    "paper-faults": rehearsal.PaperFaultsDocument,
    "paper-funding": rehearsal.PaperFundingDocument,
    "paper-key": rehearsal.PaperKeyDocument,
    "paper-mark": rehearsal.PaperMarkDocument,
    "paper-market": rehearsal.PaperMarketDocument,
    "paper-requests": rehearsal.PaperRequestsDocument,
    "paper-trade": rehearsal.PaperTradeDocument,
    "plan": base.PlanDocument,
    "positions": looking.PositionsDocument,
    "prices": looking.PricesDocument,
    "reconcile": base.ReconcileDocument,
    "risk": RiskDocument,
    "setting": acting.SettingDocument,
    "show": looking.ShowDocument,
    "stop": base.StopDocument,
}

# What each command prints with --json; any of them may print "error" instead. Order commands print a job.
PRINTED: Mapping[str, tuple[str, ...]] = {
    "amend": ("control",),
    "attach": ("job",),
    "balance": ("balances",),
    "book": ("book",),
    "cancel": ("cancel",),
    "close": ("job", "plan", "closed"),
    "doctor": ("doctor",),
    "finish-now": ("control",),
    "flatten": ("flatten",),
    "halt": ("risk",),
    "history": ("history",),
    "info": ("info",),
    "leverage": ("setting",),
    "logs": ("logs",),
    "margin-type": ("setting",),
    "modify": ("modify",),
    "orders": ("orders",),
    "paper deposit": ("paper-deposit",),
    "paper faults": ("paper-faults",),
    "paper funding": ("paper-funding",),
    "paper keys": ("paper-key",),
    "paper mark": ("paper-mark",),
    "paper market": ("paper-market",),
    "paper requests": ("paper-requests",),
    "paper reset": ("paper",),
    "paper start": ("paper",),
    "paper status": ("paper",),
    "paper stop": ("paper",),
    "paper trade": ("paper-trade",),
    "pause": ("control",),
    "position-mode": ("setting",),
    "positions": ("positions",),
    "price": ("prices",),
    "ps": ("job-list",),
    "reconcile": ("reconcile",),
    "resume": ("job", "jobs"),
    "resume-trading": ("risk",),
    "risk": ("risk",),
    "show": ("show",),
    "stop": ("stop",),
}
OF_ORDERS = ("job", "plan")


def schema_of(name: str) -> dict[str, Any]:
    """The schema of one document. Every field is printed, also those that have a default."""
    (reference,), components = msgspec.json.schema_components(
        [DOCUMENTS[name]], ref_template="#/$defs/{name}"
    )
    for definition in components.values():
        if "properties" in definition:
            definition["required"] = list(definition["properties"])
            for field in definition["properties"].values():
                field.pop("default", None)
            if "schema" in definition["properties"]:
                definition["properties"]["schema"] = {"const": base.SCHEMA}
    own = components.pop(reference["$ref"].rpartition("/")[2]) if "$ref" in reference else reference
    head = {"$schema": DIALECT, "$id": f"{name}.json"}
    return {**head, **own, **({"$defs": dict(sorted(components.items()))} if components else {})}


def files() -> dict[str, str]:
    """What docs/schema/ holds, by file name."""
    made = {f"{name}.json": json.dumps(schema_of(name), indent=2) + "\n" for name in DOCUMENTS}
    return {"README.md": _index()} | made


def _index() -> str:
    def links(names: tuple[str, ...]) -> str:
        return ", ".join(f"[{name}]({name}.json)" for name in names)

    rows = [f"| `{command}` | {links(names)} |" for command, names in sorted(PRINTED.items())]
    return "\n".join(
        [
            "# JSON Schemas of the documents",
            "",
            "What each command prints on stdout with `--json`: one document that conforms to one of these",
            f"schemas, or to {links(('error',))} where the command could not do what it was asked.",
            "Fields may be added; none changes its meaning.",
            "Written by `uv run python -m orderkit.console.schemas`, and checked by a test.",
            "",
            "With `--events` order commands, `resume` and `attach` first print a line for everything that",
            f"happens, each of which conforms to {links(('event',))}.",
            "",
            "| command | document |",
            "|---|---|",
            f"| every order command | {links(OF_ORDERS[:1])}; with `--plan` {links(OF_ORDERS[1:])} |",
            *rows,
            "",
        ]
    )


def main() -> None:
    """Write the files, and remove those of documents that are gone."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    wanted = files()
    for path in folder.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, content in wanted.items():
        (folder / name).write_text(content)


if __name__ == "__main__":
    main()
