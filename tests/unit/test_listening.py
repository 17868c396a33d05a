"""A running job looks for what others ask of it, and nothing else waits for that."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any, cast

from orderkit.domain.job import JobRecord
from orderkit.runtime.jobs import _listen, _takes_none


def test_the_loop_goes_on_while_the_journal_is_slow_to_say() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def pending_controls(_: str) -> list[object]:
        asked.set()
        go_on.wait(10)
        return []

    desk = cast(Any, SimpleNamespace(journal=SimpleNamespace(pending_controls=pending_controls)))

    async def main() -> bool:
        record = JobRecord("job", "twap", "paper", {}, 0)
        listening = asyncio.create_task(_listen(desk, record, cast(Any, None), None, _takes_none))
        while not asked.is_set():
            await asyncio.sleep(0.01)
        still_slow = not go_on.is_set()
        go_on.set()
        listening.cancel()
        return still_slow

    timer = threading.Timer(5, go_on.set)
    timer.start()
    assert asyncio.run(main())
    timer.cancel()
