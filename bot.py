"""Hands the command line over to orderkit."""

from orderkit.cli import main

if __name__ == "__main__":
    main()
