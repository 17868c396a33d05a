"""One bare HTTP request to a paper exchange: importing an HTTP client would cost more than the call."""

import json
import socket
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and the JSON document that came with it."""

    status: int
    document: Any


def ask(
    port: int,
    method: str,
    path: str,
    timeout_s: float,
    body: object = None,
    *,
    headers: tuple[tuple[str, str], ...] = (),
) -> Answer:
    """Ask a route of the exchange on ``port``; ``body`` is sent as JSON unless it is None.

    Raises:
        OSError: nothing listens there, or it does not answer in time.
        ValueError: what answers does not speak JSON over HTTP.
    """
    content = b"" if body is None else json.dumps(body).encode()
    fields = (("Host", f"127.0.0.1:{port}"), ("Content-Length", str(len(content))), *headers)
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    with socket.create_connection(("127.0.0.1", port), timeout_s) as connection:
        connection.sendall(f"{method} {path} HTTP/1.0\r\n{head}\r\n".encode() + content)
        received = bytearray()
        while chunk := connection.recv(65536):
            received += chunk
    start, separator, answered = bytes(received).partition(b"\r\n\r\n")
    if not separator or not start.startswith(b"HTTP/1."):
        raise ValueError("not an HTTP answer")
    return Answer(int(start[9:12]), json.loads(answered))
