"""A desk whose commands can be given another world: a fresh request budget, a short timeout."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.launcher import Launched
from tests.support import BOT, Desk, Done

RUN_BOT = f"""
import runpy, sys
sys.path[0] = {str(BOT.parent)!r}
runpy.run_path({str(BOT)!r}, run_name="__main__")
"""


@dataclass(slots=True)
class CellDesk(Desk):
    """One home with its exchange, made as new for each cell.

    ``extra`` is what commands find in environ; ``script`` what is run in place of ``bot.py``, if anything.
    """

    extra: Mapping[str, str] = field(default_factory=dict)
    temporary: str = ""
    script: Path | None = None

    @property
    def environ(self) -> dict[str, str]:
        environ = Desk.environ.fget(self)  # type: ignore[attr-defined]
        environ |= {"TMPDIR": self.temporary or str(self.home)}
        return {**environ, **self.extra}

    def begin(self, *arguments: str, script: Path = BOT) -> Launched:
        return Desk.begin(self, *arguments, script=self.script if self.script and script == BOT else script)

    @contextmanager
    def spoilt(self, by: str, **extra: str) -> Iterator[None]:
        """Commands meet a spoilt world: ``by``, a program, is run before ``bot.py`` in the same process."""
        folder = Path(tempfile.mkdtemp(dir=self.temporary))
        self.script = folder / "bot.py"
        self.script.write_text(by + RUN_BOT)
        self.extra = extra
        try:
            yield
        finally:
            self.script, self.extra = None, {}

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
