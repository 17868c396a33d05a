"""Starts commands as processes of their own, forked from one that has imported everything already.

What a command does after its imports is the same as if it had been started by hand: own process id,
environment, working directory, standard streams, signals and interpreter exit. Only the time for the
imports is saved, which is most of a short command's.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

_WARM = (
    "binance.client",
    "orderkit.cli",
    "orderkit.console.run",
    "orderkit.console.report",
    "orderkit.console.terminal",
    "orderkit.orders.registry",
    "orderkit.exchange.binance_gateway",
    "orderkit.exchange.user_stream",
    "orderkit.exchange.user_events",
    "orderkit.exchange.administration",
    "orderkit.exchange.inquiry",
    "orderkit.journal.sqlite",
    "orderkit.runtime.jobs",
    "rich.console",
    "rich.live",
    "rich.table",
    "typer",
    "websockets.asyncio.client",
)


class Launched:
    """A started command; the part of ``subprocess.Popen`` that tests use."""

    def __init__(self, line: socket.socket, pid: int, stdout: IO[str], stderr: IO[str]) -> None:
        self._line = line
        self.pid = pid
        self.stdout = stdout
        self.stderr = stderr
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._line.settimeout(timeout)
            try:
                told = self._line.recv(64)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0) from None
            self._line.close()
            assert told, "the launcher has died"
            self.returncode = int(told)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Read both streams to their ends and wait. Raises subprocess.TimeoutExpired."""
        deadline_s = None if timeout is None else time.monotonic() + timeout
        read: dict[str, list[bytes]] = {"out": [], "err": []}
        with selectors.DefaultSelector() as selector:
            for name, stream in (("out", self.stdout), ("err", self.stderr)):
                if not stream.closed:
                    selector.register(stream, selectors.EVENT_READ, name)
            while selector.get_map():
                left_s = None if deadline_s is None else deadline_s - time.monotonic()
                ready = selector.select(left_s) if left_s is None or left_s > 0 else []
                if not ready:
                    raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
                for key, _ in ready:
                    chunk = os.read(key.fd, 65536)
                    if chunk:
                        read[key.data].append(chunk)
                    else:
                        selector.unregister(key.fileobj)
        self.stdout.close()
        self.stderr.close()
        self.wait(None if deadline_s is None else max(deadline_s - time.monotonic(), 1))
        return b"".join(read["out"]).decode(), b"".join(read["err"]).decode()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Launcher:
    """The process to fork from; it ends with this one."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.launcher", str(theirs.fileno())],
            cwd=Path(__file__).parents[1],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()

    def start(
        self, script: Path, arguments: tuple[str, ...], environ: Mapping[str, str], cwd: Path
    ) -> Launched:
        """Run ``script`` as ``python script arguments…`` would."""
        line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        (out, their_out), (err, their_err) = os.pipe(), os.pipe()
        what = json.dumps([str(script), list(arguments), dict(environ), str(cwd)]).encode()
        body, their_body = socket.socketpair()
        socket.send_fds(
            self._line, [len(what).to_bytes(8)], [theirs.fileno(), their_out, their_err, their_body.fileno()]
        )
        for handed in (theirs, their_body):
            handed.close()
        os.close(their_out)
        os.close(their_err)
        with body:
            body.sendall(what)
        pid = int(line.recv(64))
        return Launched(line, pid, os.fdopen(out, "r"), os.fdopen(err, "r"))

    def close(self) -> None:
        self._line.close()
        self._process.wait(10)


def _serve(line: socket.socket) -> None:
    """Fork for each request; tell each child's exit code down its own line."""
    for module in _WARM:
        __import__(module)
    lines: dict[int, socket.socket] = {}
    woken, waker = socket.socketpair()
    for end in (woken, waker):
        end.setblocking(False)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with selectors.DefaultSelector() as selector:
        selector.register(line, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is woken:
                    with contextlib.suppress(BlockingIOError):
                        woken.recv(4096)
                    _reap(lines)
                    continue
                size, handed, _, _ = socket.recv_fds(line, 8, 4)
                if not size:
                    return
                status, out, err, body_fd = handed
                with socket.socket(fileno=body_fd) as body:
                    what = b""
                    while len(what) < int.from_bytes(size):
                        what += body.recv(65536)
                pid = os.fork()
                if pid == 0:
                    for inherited in (line, woken, waker, *lines.values()):
                        inherited.close()
                    os.close(status)
                    selector.close()
                    _become(what, out, err)
                lines[pid] = socket.socket(fileno=status)
                lines[pid].sendall(str(pid).encode())
                os.close(out)
                os.close(err)


def _reap(lines: dict[int, socket.socket]) -> None:
    for pid in list(lines):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            with lines.pop(pid) as told, contextlib.suppress(OSError):
                told.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _become(what: bytes, out: int, err: int) -> None:
    """Be the command; never returns to the launcher's loop."""
    import runpy

    script, arguments, environ, cwd = json.loads(what)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(cwd)
    sys.argv = [script, *arguments]
    sys.path[0] = str(Path(script).parent)
    runpy.run_path(script, run_name="__main__")
    sys.exit(0)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
