"""The edge of the process: runs a Typer app, turns every failure into one line and an exit code."""

import contextlib
import gc
import logging
import sys
from typing import NoReturn

import typer

from orderkit.console import invocation
from orderkit.errors import INTERRUPTED, OrderKitError, UsageError

log = logging.getLogger(__name__)

_UsageProblem: type[Exception] = typer.BadParameter.__mro__[1]


def run_app(app: typer.Typer, arguments: list[str] | None = None) -> NoReturn:
    """Run ``app`` and leave the process with the published exit code. No traceback reaches a person."""
    arguments = sys.argv[1:] if arguments is None else arguments
    invocation.begin(arguments)
    # What is logged before the log file is open is for nobody's terminal.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        code = typer.main.get_command(app)(args=arguments, standalone_mode=False)
    except OrderKitError as error:
        code = fail(error)
    except _UsageProblem as problem:
        code = fail(_usage_error(problem))
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError as error:
        with invocation.reader_may_leave(sys.stdout):
            raise error
        code = 0
    except Exception as error:
        _open_log()
        log.exception("unexpected error")
        code = fail(OrderKitError(f"unexpected error: {error!r}", hint="bot.log has the details"))
    finally:  # completion leaves by SystemExit
        gc.freeze()  # or Python looks for cycles in all that is loaded before it leaves
    sys.exit(code if isinstance(code, int) else 0)


def _open_log() -> None:
    """Give an unexpected error a log to go to, where the command had not opened it yet."""
    if any(not isinstance(handler, logging.NullHandler) for handler in logging.getLogger().handlers):
        return
    from orderkit.config import Settings, setup_logging

    with contextlib.suppress(OrderKitError):
        setup_logging(Settings.load())


def fail(error: OrderKitError) -> int:
    """Print the error as people or scripts want it; its exit code."""
    log.error("%s: %s", error.kind, error.message)
    if invocation.current.json:
        from orderkit.console.documents import error_document, print_document

        print_document(error_document(error, invocation.current.environment))
    else:
        from orderkit.console.terminal import print_error

        print_error(error)
    return error.exit_code


def _usage_error(problem: Exception) -> UsageError:
    """Typer's own complaint about a command line; the hint names what was meant, or where to look."""
    from orderkit.console.typos import nearest, without_suggestions

    whole = getattr(problem, "format_message", lambda: str(problem))().replace("\n", " ")
    context = getattr(problem, "ctx", None)
    message = without_suggestions(whole)
    hint = f"try '{context.command_path} --help'" if context is not None else "try '--help'"
    meant = nearest(message, context)
    return UsageError(message, hint=hint if meant is None else f"did you mean '{meant}'? {hint}")
