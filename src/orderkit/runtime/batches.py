"""Which of the orders that one step wants sent go out in one request."""

from collections.abc import Iterable, Iterator

from orderkit.domain.commands import Command, SubmitOrder

MOST = 5  # POST batchOrders takes no more

Batch = list[SubmitOrder]


def in_batches(commands: Iterable[Command]) -> Iterator[Command | Batch]:
    """The commands in their order; where orders that can rest follow each other, two to five stand together.

    All of a batch are for one symbol. Conditional orders have no batch request, and an order that takes must
    not wait for its neighbours.
    """
    gathered: Batch = []
    for command in commands:
        fits = isinstance(command, SubmitOrder) and _can_wait(command)
        if gathered and not (fits and len(gathered) < MOST and _symbol(command) == _symbol(gathered[0])):
            yield gathered if len(gathered) > 1 else gathered[0]
            gathered = []
        if isinstance(command, SubmitOrder) and fits:
            gathered.append(command)
        else:
            yield command
    if gathered:
        yield gathered if len(gathered) > 1 else gathered[0]


def _can_wait(command: SubmitOrder) -> bool:
    return not (command.request.type.is_conditional or command.request.is_immediate)


def _symbol(command: Command) -> str | None:
    return command.request.symbol if isinstance(command, SubmitOrder) else None
