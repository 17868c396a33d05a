"""How a command begins: settings, which environment it is about, consent, and checked options."""

import sys
from collections.abc import Callable

import typer

from orderkit.config import Settings, setup_logging, validate_environment
from orderkit.console import invocation
from orderkit.console.durations import parse_duration_ms
from orderkit.console.options import RunOptions
from orderkit.console.terminal import say
from orderkit.domain.enums import Environment
from orderkit.errors import INTERRUPTED, ConfigurationError, UsageError

JOB_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
JOB_ID_LENGTH = 24


def chosen(options: RunOptions) -> Settings:
    """The settings, and the output set up; nothing is checked yet but that there is such an environment."""
    settings = Settings.load(_checked_environment(options.environment))
    invocation.current.json, invocation.current.quiet = options.json or options.events, options.quiet
    invocation.current.events = options.events
    invocation.current.environment = settings.environment.value
    return settings


def prepared(options: RunOptions) -> Settings:
    """The settings checked, and the log open: how almost every command begins."""
    settings = chosen(options)
    validate_environment(settings)
    setup_logging(settings)
    return settings


def announce(settings: Settings, options: RunOptions) -> None:
    """Say which environment this is about; ask before real money is at stake.

    Raises:
        ConfigurationError: live, in a script, without --yes.
        typer.Exit: a person said no.
    """
    if settings.environment is not Environment.LIVE:
        say(f"environment: {settings.environment.value}")
        return
    print("LIVE: this trades real money", file=sys.stderr)
    need_yes(settings, options)
    if options.yes or options.plan:
        return
    if not typer.confirm("Send this to the live exchange?", err=True):
        raise typer.Exit(INTERRUPTED)


def need_yes(settings: Settings, options: RunOptions) -> None:
    """Let no script go on to the live exchange that has not said --yes.

    Raises:
        ConfigurationError: it has not.
    """
    asked = options.yes or options.plan or sys.stdin.isatty()
    if settings.environment is Environment.LIVE and not asked:
        raise ConfigurationError(
            "live trading needs --yes in a script", hint="add --yes, or use --env testnet"
        )


def ask_once(settings: Settings, options: RunOptions, command: str, question: Callable[[], str]) -> None:
    """Ask in every environment, for what cannot be taken back; ``question`` may show first what would go.

    Raises:
        ConfigurationError: a script without --yes.
        typer.Exit: a person said no.
    """
    if settings.environment is Environment.LIVE:
        print("LIVE: this trades real money", file=sys.stderr)
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError(f"{command} needs --yes in a script", hint="add --yes")
    if not typer.confirm(question(), err=True):
        raise typer.Exit(INTERRUPTED)


def _checked_environment(name: str | None) -> str | None:
    """The --env option, where given, as one of the environments' names.

    Raises:
        UsageError: no such environment.
    """
    accepted = [environment.value for environment in Environment]
    if name is not None and name.strip().lower() not in accepted:
        raise UsageError(f"--env {name!r} is not an environment", hint=f"one of {', '.join(accepted)}")
    return name


def checked_timeout_ms(options: RunOptions) -> int | None:
    """The --timeout option in ms.

    Raises:
        UsageError: no duration; or --events of a job that is left to another process.
    """
    if options.events and options.detach:
        raise UsageError(
            "--events cannot go with --detach", hint="leave out one; attach JOB --events follows"
        )
    return None if options.timeout is None else parse_duration_ms(options.timeout, "--timeout")


def checked_job_id(job_id: str | None) -> str | None:
    """A job id becomes part of every client order id, which the exchange limits to 36 plain characters.

    Raises:
        UsageError: too long, or other characters.
    """
    if job_id is not None and not (0 < len(job_id) <= JOB_ID_LENGTH and set(job_id) <= JOB_ID_CHARACTERS):
        raise UsageError(
            f"job id {job_id!r} cannot be used",
            hint=f"1 to {JOB_ID_LENGTH} letters, digits, dots, dashes and underscores",
        )
    return job_id
