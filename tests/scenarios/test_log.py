"""bot.log with DEBUG on: what happened, and no credential."""

import json
import re

from tests.support import Desk


def test_the_log_of_every_command_holds_no_key_secret_signature_or_listen_key(desk: Desk) -> None:
    lines = [
        "market BTCUSDT BUY 0.01",
        "limit BTCUSDT BUY 0.01 59000",
        "stop-limit BTCUSDT SELL 0.01 59000 58900",
        "twap BTCUSDT BUY 0.4 --chunks 4 --interval 100ms",
        "market BTCUSDT BUY abc",
        "limit BTCUSDT BUY 0.01 60500 --post-only",
    ]
    desk.log_file.unlink(missing_ok=True)
    for line in lines:
        desk.bot(line)
    for action, apply in (("drop", "after"), ("error", "before")):
        body = {"code": -1000, "msg": "An unknown error occurred while processing the request."}
        more = {"status": 500, "body": body} if action == "error" else {}
        desk.fault("POST", "/fapi/v1/order", action, apply=apply, times=1, **more)
        desk.bot("market BTCUSDT BUY 0.01")
    status = json.loads(desk.bot("paper status --json").out)
    text = desk.log_file.read_text()
    assert len(text.splitlines()) > 50, "DEBUG was on"
    assert "job twap-" in text
    for secret in (status["api_key"], status["api_secret"]):
        assert secret not in text
    assert not re.search(r"signature=[0-9a-fA-F]{16}", text)
    assert not re.search(r"(listenKey[=\"': ]+|/private/ws/)[A-Za-z0-9]{20}", text)
    assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ [\w.]+: ", text, re.MULTILINE)
