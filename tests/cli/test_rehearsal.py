"""The paper commands that act on the running exchange, in one process: what they do, print and refuse."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from orderkit.cli import app
from orderkit.console import invocation
from orderkit.console import rehearsal_documents as documents
from orderkit.errors import ExchangeUnreachable, OrderKitError, OrderRejected, UsageError
from tests.support import Desk, finish

Run = Callable[[str], str]
PEM = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""


@pytest.fixture
def run(desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``paper`` with these words and give what it wrote on stdout."""
    monkeypatch.setenv("ORDERKIT_HOME", str(desk.home))

    def words(line: str) -> str:
        return call(line.split(), capsys)

    return words


def call(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    invocation.begin(list(words))
    try:
        typer.main.get_command(app)(["paper", *words], standalone_mode=False)
    finally:
        invocation.begin([])
    return capsys.readouterr().out


def printed(text: str, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The one document, which has exactly the fields of ``kind``."""
    document = msgspec.json.decode(text)
    assert text.count("\n") == 1
    assert msgspec.to_builtins(msgspec.convert(document, kind)) == document
    assert (document.pop("schema"), document.pop("env")) == (1, "paper")
    return dict(document)


def test_the_manual_market_goes_where_it_is_set(run: Run, desk: Desk) -> None:
    shown = printed(
        run("market btcusdt 61000 61000.5 --ask-quantity 2 --json"), documents.PaperMarketDocument
    )
    assert shown == {"symbol": "BTCUSDT", "bid": "61000", "ask": "61000.5"}
    book = desk.control("GET", "/fapi/v1/depth?symbol=BTCUSDT&limit=5")
    assert (book["bids"], book["asks"]) == ([["61000.00", "1000.000"]], [["61000.50", "2.000"]])
    assert run("mark BTCUSDT 60500") == "BTCUSDT: mark price 60500\n"
    assert float(desk.control("GET", "/fapi/v1/premiumIndex?symbol=BTCUSDT")["markPrice"]) == 60500
    assert printed(run("mark BTCUSDT 60501.5 --json"), documents.PaperMarkDocument) == {
        "symbol": "BTCUSDT",
        "price": "60501.5",
    }


def test_others_trade_on_the_manual_market_and_fill_what_rests(run: Run, desk: Desk) -> None:
    assert desk.bot("limit BTCUSDT BUY 0.01 59999").code == 0
    assert printed(run("trade btcusdt 60000.1 0.5 --json"), documents.PaperTradeDocument) == {
        "symbol": "BTCUSDT",
        "price": "60000.1",
        "quantity": "0.5",
        "aggressor": "BUY",
    }
    assert run("trade BTCUSDT 59998 1 --sell") == "BTCUSDT: 1 traded at 59998\n"
    prints = desk.control("GET", "/fapi/v1/aggTrades?symbol=BTCUSDT")
    assert ("60000.10", "0.500", False) in [(row["p"], row["q"], row["m"]) for row in prints]
    assert desk.bot("orders --json").json["orders"] == []
    for line in ("trade BTCUSDT 0 1", "trade BTCUSDT 60000 0"):
        with pytest.raises(OrderRejected):
            run(line)


def test_money_comes_and_goes(run: Run) -> None:
    assert printed(run("deposit 5000.5 --json"), documents.PaperDepositDocument) == {
        "asset": "USDT",
        "amount": "5000.5",
    }
    assert run("deposit -250 --asset usdt") == "USDT: -250\n"
    with pytest.raises(OrderRejected) as refused:
        run("deposit -1000000")
    assert refused.value.code == -2018


def test_a_key_gets_an_account_of_its_own(run: Run, tmp_path: Path) -> None:
    hmac = printed(run("keys hmac-one --secret s3cret --json"), documents.PaperKeyDocument)
    assert hmac == {"api_key": "hmac-one", "account": hmac["account"], "kind": "HMAC"}
    (tmp_path / "key.pem").write_text(PEM)
    ed25519 = printed(
        run(f"keys ed-one --public-key {tmp_path / 'key.pem'} --json"), documents.PaperKeyDocument
    )
    assert ed25519["kind"] == "ED25519"
    assert ed25519["account"] != hmac["account"]
    assert run("deposit 7 --api-key ed-one") == "USDT: +7\n"


def test_funding_is_settled_now(run: Run) -> None:
    run("mark BTCUSDT 60000")
    shown = printed(run("funding BTCUSDT --rate -0.0001 --json"), documents.PaperFundingDocument)
    assert shown.pop("settled_at").endswith("Z")
    assert shown == {"symbol": "BTCUSDT", "rate": "-0.00010000", "mark_price": "60000.00000000"}
    assert run("funding BTCUSDT").startswith("BTCUSDT: funding settled at 0.00000000")


def test_faults_are_set_shown_hit_and_cleared(run: Run, desk: Desk) -> None:
    assert run("faults") == "No faults are in force.\n"
    shown = printed(
        run(
            "faults --action error --apply after --method GET --path /fapi/v1/ping --nth 1 --times 2 "
            '--status 429 --body {"code":-1003,"msg":"Slow."} --header Retry-After:3 --json'
        ),
        documents.PaperFaultsDocument,
    )
    (fault,) = shown["requests"]
    assert fault == {
        "match": {"method": "GET", "path": "/fapi/v1/ping", "nth": 1},
        "action": "error",
        "apply": "after",
        "status": 429,
        "body": {"code": -1003, "msg": "Slow."},
        "headers": {"Retry-After": "3"},
        "delay_ms": 0,
        "times": 2,
        "seen": 0,
        "hit": 0,
    }
    with pytest.raises(Exception, match="429"):
        desk.control("GET", "/fapi/v1/ping")
    assert run("faults --streams stall").splitlines() == [
        "error after GET /fapi/v1/ping from number 1 on, 2 times: hit 1 of 1",
        "streams: stall",
    ]
    assert run("faults --clear --action drop --times 1") == "drop before any request, 1 times: hit 0 of 0\n"
    assert run("faults --clear") == "No faults are in force.\n"


def test_what_was_received_is_listed(run: Run, desk: Desk) -> None:
    assert run("requests") == "Nothing was received.\n"
    desk.control("GET", "/fapi/v1/ping")
    desk.control("GET", "/fapi/v1/depth?symbol=BTCUSDT&limit=5")
    shown = printed(run("requests --last 1 --json"), documents.PaperRequestsDocument)
    (row,) = shown["requests"]
    assert row.pop("received_at").endswith("Z")
    assert row == {
        "method": "GET",
        "path": "/fapi/v1/depth",
        "params": {"symbol": "BTCUSDT", "limit": "5"},
        "status": 200,
    }
    assert [line.split("  ")[1:] for line in run("requests").splitlines()] == [
        ["200", "GET /fapi/v1/ping"],
        ["200", "GET /fapi/v1/depth symbol=BTCUSDT limit=5"],
    ]


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        ("market BTCUSDT many 2", UsageError, "bid 'many' is not a number"),
        ("market BTCUSDT 2 1", OrderRejected, "bid must be above 0 and below ask"),
        ("market NOSUCH 1 2", OrderRejected, "NOSUCH is not listed here"),
        ("mark BTCUSDT nan", UsageError, "price 'nan' is not a number"),
        ("funding BTCUSDT --rate 2", OrderRejected, "rate must be a number from -1 to 1"),
        ("deposit 5 --api-key nobody", OrderRejected, "no account has this API key"),
        ("keys third", UsageError, "a key needs its secret or its public key"),
        ("keys third --secret a --public-key b", UsageError, "a key needs its secret or its public key"),
        ("keys third --public-key no-such-file.pem", UsageError, "no-such-file.pem cannot be read"),
        ("faults --times 2", UsageError, "a fault needs its action"),
        ("faults --action drop --header nothing", UsageError, "'nothing' is not a header"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    run: Run, line: str, error: type[OrderKitError], words: str
) -> None:
    with pytest.raises(error) as refused:
        run(line)
    assert words in refused.value.message


def test_without_a_running_exchange_the_command_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORDERKIT_HOME", str(tmp_path))
    with pytest.raises(ExchangeUnreachable) as refused:
        call(["market", "BTCUSDT", "1", "2"], capsys)
    assert refused.value.hint == "paper start"


def test_a_refusal_is_one_document_and_exit_5(desk: Desk) -> None:
    done = desk.bot("paper market NOSUCH 1 2 --json")
    assert done.code == 5
    assert done.json["error"]["code"] == -1130


def test_an_exchange_in_the_foreground_says_where_it_is_and_ends_when_told(tmp_path: Path) -> None:
    foreground = Desk(tmp_path).start("paper serve --market manual --symbols BTCUSDT")
    assert foreground.stdout is not None
    ready = msgspec.json.decode(foreground.stdout.readline())
    served = Desk(tmp_path, ready["rest"])
    assert sorted(ready) == ["api_key", "api_secret", "ready", "rest", "ws"]
    assert served.control("GET", "/paper/status")["market"] == "manual"
    assert served.bot("paper status --json").json["rest"] == ready["rest"]
    foreground.terminate()
    done = finish(foreground)
    assert (done.code, done.out) == (0, "")
