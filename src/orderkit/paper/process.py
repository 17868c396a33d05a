"""Starts, finds and stops a home's paper exchange, from commands that share it. Imports nothing heavy."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from orderkit.errors import ConfigurationError, ExchangeUnreachable
from orderkit.paper import state
from orderkit.paper.asking import ask
from orderkit.paper.state import PaperInfo

DEFAULT_MARKET = "synthetic"
DEFAULT_IDLE_TIMEOUT_S = 15 * 60.0
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
PROBE_TIMEOUT_S = 2.0
RESET_TIMEOUT_S = 30.0
_POLL_S = 0.01
_LOG_TAIL_LINES = 8
# A log that grew past this starts anew with the next exchange.
_MAX_LOG_BYTES = 1_000_000


class _Exchange(subprocess.Popen[bytes]):
    """A child that outlives this process on purpose: Popen would warn that it still runs."""

    def __del__(self) -> None:
        """Nothing."""


# Children of this very process, kept so that they can be reaped.
_children: dict[int, _Exchange] = {}


def status(home: Path) -> PaperInfo | None:
    """The running exchange of this home; None where none runs (a left-over state file counts as none)."""
    info = state.read(home)
    if info is None:
        return None
    try:
        answer = ask(info.port, "GET", "/paper/status", PROBE_TIMEOUT_S).document
    except (OSError, ValueError):
        return None
    return info if isinstance(answer, dict) and answer.get("instance") == info.instance else None


def ensure_running(home: Path) -> PaperInfo:
    """The running exchange of this home, whatever its market; one with the synthetic market where none runs.

    One that was killed comes back with the market and the options it had: jobs in progress go on with it.

    Raises:
        ConfigurationError: it cannot be started; the text holds the end of its log.
    """
    return status(home) or _start(home, state.crashed_arguments(home) or _arguments())


def start(
    home: Path,
    *,
    market: str = DEFAULT_MARKET,
    data_dir: Path | None = None,
    seed: int | None = None,
    symbols: list[str] | None = None,
    speed: float = 1,
    loop: bool = False,
    idle_timeout_s: float = DEFAULT_IDLE_TIMEOUT_S,
    port: int = 0,
) -> PaperInfo:
    """Start an exchange in the background, or find the one that runs already.

    ``speed`` multiplies the pace of the market; ``loop`` starts a recording again at its end; ``port`` 0
    takes this home's last one if it is free, else any.

    Raises:
        ConfigurationError: it cannot be started, or one with another market runs in this home.
    """
    arguments = _arguments(market, speed, port, idle_timeout_s)
    if data_dir is not None:
        arguments += ["--data", str(data_dir.absolute())]
    if loop:
        arguments.append("--loop")
    if seed is not None:
        arguments += ["--seed", str(seed)]
    if symbols:
        arguments += ["--symbols", ",".join(symbols)]
    running = status(home) or _start(home, arguments)
    if running.market != market:
        raise ConfigurationError(
            f"a paper exchange with the {running.market} market runs already (pid {running.pid})",
            hint="stop it first: paper stop",
        )
    return running


def stop(home: Path) -> bool:
    """Stop this home's exchange and wait until it is gone; False where none ran."""
    info = status(home)
    if info is None:
        state.state_file(home).unlink(missing_ok=True)
        return False
    with contextlib.suppress(OSError, ValueError):
        ask(info.port, "POST", "/paper/shutdown", PROBE_TIMEOUT_S)
    if not _wait_gone(info.pid):
        _kill(info.pid, signal.SIGTERM)
        if not _wait_gone(info.pid):
            _kill(info.pid, signal.SIGKILL)
            _wait_gone(info.pid)
    state.remove(home, info.instance)
    return True


def reset(home: Path) -> None:
    """Give the paper account its opening balance again and forget its orders, running or not.

    Raises:
        ExchangeUnreachable: the running exchange did not answer.
    """
    info = status(home)
    if info is not None:
        try:
            ask(info.port, "POST", "/paper/reset", RESET_TIMEOUT_S)
        except (OSError, ValueError) as error:
            raise ExchangeUnreachable(f"the paper exchange did not answer: {error}") from error
    elif state.account_file(home).exists():
        from orderkit.paper.store import Store

        store = Store(state.account_file(home))
        store.wipe_state()
        store.close()


def _arguments(
    market: str = DEFAULT_MARKET,
    speed: float = 1,
    port: int = 0,
    idle_timeout_s: float = DEFAULT_IDLE_TIMEOUT_S,
) -> list[str]:
    return [
        *("--market", market, "--speed", str(speed)),
        *("--port", str(port), "--idle-timeout", str(idle_timeout_s)),
    ]


def _start(home: Path, arguments: list[str]) -> PaperInfo:
    from filelock import FileLock, Timeout

    state.directory(home)
    try:
        with FileLock(state.start_lock(home), timeout=START_TIMEOUT_S):
            # Another command may have started it while this one waited.
            running = status(home)
            if running is not None:
                return running
            return _launch(home, arguments)
    except Timeout:
        raise ConfigurationError(
            f"another command has been starting the paper exchange for {START_TIMEOUT_S:.0f} s",
            hint=f"see {state.log_file(home)}",
        ) from None


def _launch(home: Path, arguments: list[str]) -> PaperInfo:
    state.state_file(home).unlink(missing_ok=True)
    log = state.log_file(home)
    with log.open("ab") as output:
        log.chmod(0o600)
        if output.tell() > _MAX_LOG_BYTES:
            output.truncate(0)
        begun = output.tell()
        child = _Exchange(
            [sys.executable, "-P", "-m", "orderkit.paper", "--home", str(home), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
            start_new_session=True,
            cwd=home,
        )
    _children[child.pid] = child
    state.remember_launch(home, child.pid, arguments)
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        info = state.read(home)
        if info is not None and info.pid == child.pid and status(home) is not None:
            return info
        if child.poll() is not None:
            del _children[child.pid]
            raise ConfigurationError(
                f"the paper exchange did not start (exit {child.returncode}): {_tail(log, begun)}",
                hint=f"its log is {log}",
            )
        time.sleep(_POLL_S)
    child.kill()
    raise ConfigurationError(
        f"the paper exchange was not ready within {START_TIMEOUT_S:.0f} s: {_tail(log, begun)}",
        hint=f"its log is {log}",
    )


def _tail(log: Path, offset: int) -> str:
    """The last lines that a child wrote after ``offset``."""
    with log.open("rb") as file:
        file.seek(offset)
        lines = file.read().decode(errors="replace").strip().splitlines()
    return " | ".join(lines[-_LOG_TAIL_LINES:]) or "it wrote nothing"


def _wait_gone(pid: int) -> bool:
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while time.monotonic() < deadline:
        if not _is_alive(pid):
            return True
        time.sleep(_POLL_S)
    return False


def _is_alive(pid: int) -> bool:
    child = _children.get(pid)
    if child is not None:
        if child.poll() is None:
            return True
        del _children[pid]
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
