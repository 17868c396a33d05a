"""Where a home's paper exchange is: the state file that its commands read, and the paths it uses."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

DIRECTORY = "paper"


@dataclass(frozen=True, slots=True)
class PaperInfo:
    """A running paper exchange. The keys are the default account's HMAC pair, worth nothing elsewhere."""

    pid: int
    rest: str
    ws: str
    market: str
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    instance: str = ""

    @property
    def port(self) -> int:
        return int(self.rest.rpartition(":")[2])


def directory(home: Path) -> Path:
    """The folder of the paper exchange within a home, created for this user alone."""
    path = home / DIRECTORY
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def state_file(home: Path) -> Path:
    return home / DIRECTORY / "state.json"


def launch_file(home: Path) -> Path:
    """How the exchange was started last, and as which process."""
    return home / DIRECTORY / "launch.json"


def port_file(home: Path) -> Path:
    """The port used last; it stays when the exchange ends."""
    return home / DIRECTORY / "port"


def account_file(home: Path) -> Path:
    return home / DIRECTORY / "account.sqlite3"


def log_file(home: Path) -> Path:
    return home / DIRECTORY / "exchange.log"


def lifetime_lock(home: Path) -> Path:
    """Held by the exchange as long as it lives: one per home."""
    return home / DIRECTORY / "exchange.lock"


def start_lock(home: Path) -> Path:
    """Held by a command while it starts the exchange."""
    return home / DIRECTORY / "start.lock"


def write(home: Path, info: PaperInfo) -> None:
    """Publish where the exchange is, readable by this user alone."""
    _replace(state_file(home), json.dumps(asdict(info)), info.pid)
    _replace(port_file(home), str(info.port), info.pid)


def _replace(path: Path, text: str, pid: int) -> None:
    draft = path.with_suffix(f".{pid}.tmp")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def last_port(home: Path) -> int | None:
    """The port this home's exchange used last; None when there was none or the file is damaged."""
    try:
        port = int(port_file(home).read_text())
    except (OSError, ValueError):
        return None
    return port if 0 < port < 65536 else None


def remember_launch(home: Path, pid: int, arguments: list[str]) -> None:
    """Keep the command line of a start for ``crashed_arguments``."""
    launch_file(home).write_text(json.dumps({"pid": pid, "arguments": arguments}))


def crashed_arguments(home: Path) -> list[str] | None:
    """The command line of the exchange that went without taking its state file away; None where none did."""
    left = read(home)
    try:
        launch = json.loads(launch_file(home).read_text())
        arguments = [str(argument) for argument in launch["arguments"]]
        return arguments if left is not None and launch["pid"] == left.pid else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read(home: Path) -> PaperInfo | None:
    """What the state file says; None where there is none or it is damaged. It may be out of date."""
    try:
        return PaperInfo(**json.loads(state_file(home).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def remove(home: Path, instance: str) -> None:
    """Take the state file away if it is still this instance's."""
    current = read(home)
    if current is not None and current.instance == instance:
        state_file(home).unlink(missing_ok=True)
