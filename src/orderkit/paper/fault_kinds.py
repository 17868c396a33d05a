"""The words of faults: what can be done to requests and to streams, and when."""

from enum import StrEnum


class Action(StrEnum):
    DROP = "drop"  # the connection is closed without an answer
    HOLD = "hold"  # no answer at all until the faults are cleared or the client gives up
    ERROR = "error"  # another answer is given
    DELAY = "delay"  # the answer comes late


class Moment(StrEnum):
    BEFORE = "before"  # the request never reached the book (for a delay: reached it late)
    AFTER = "after"  # the request was executed, its answer is lost or replaced


class StreamFault(StrEnum):
    """What test control can do to streams; all but DISCONNECT last until they are cleared."""

    DISCONNECT = "disconnect"  # every socket is cut, once
    STALL = "stall"  # sockets stay open and silent; what was held back comes when the fault is cleared
    DUPLICATE = "duplicate"  # every message comes twice
    REORDER = "reorder"  # neighbouring messages change places
