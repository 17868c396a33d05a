"""A desk whose commands can be given another world: a fresh request budget, a short timeout."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import Desk, Done


@dataclass(slots=True)
class CellDesk(Desk):
    """One home with its exchange, made as new for each cell; ``extra`` is what commands find in environ."""

    extra: Mapping[str, str] = field(default_factory=dict)
    temporary: str = ""

    @property
    def environ(self) -> dict[str, str]:
        environ = Desk.environ.fget(self)  # type: ignore[attr-defined]
        environ |= {"TMPDIR": self.temporary or str(self.home)}
        return {**environ, **self.extra}

    def renew(self) -> None:
        """A new account, journal, cache and request budget; BTCUSDT quoted 60000 / 60000.1."""
        self.control("DELETE", "/paper/faults")
        self.control("POST", "/paper/reset")
        self.market("60000", "60000.1")
        for path in self.home.glob("journal.sqlite*"):
            path.unlink()
        shutil.rmtree(self.home / "cache", ignore_errors=True)
        self.renew_budget()

    def renew_budget(self) -> None:
        """Forget what earlier answers said about limits and bans."""
        self.temporary = tempfile.mkdtemp(dir=self.home)

    def received(self, method: str, path: str) -> int:
        return len(self.requests(method, path))

    def hits(self) -> int:
        """How many requests the faults in force have hit."""
        return sum(fault["hit"] for fault in self.control("GET", "/paper/faults")["requests"])


def open_desk(home: Path) -> CellDesk:
    """A desk with a running manual market."""
    desk = CellDesk(home)
    desk.open()
    return desk


def document(done: Done) -> dict[str, Any]:
    """The JSON document, with the command's whole output in the failure where there is none."""
    assert done.out.strip(), f"exit {done.code}: {done.err}"
    return done.json
