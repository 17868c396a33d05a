"""The doctor command: is everything there that trading needs, and is anything left behind."""

import typer

from orderkit.console import options


def doctor(run: options.Looking) -> None:
    """Check key, clock, streams, journal, orders, positions and disk; say what to do about each.

    Examples:

      bot.py doctor

      bot.py doctor --env testnet --json
    """
    from orderkit.console.checkup import run_checks

    raise typer.Exit(run_checks(run))
