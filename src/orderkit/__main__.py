"""``python -m orderkit``: the same commands, from wherever the package is installed."""

from orderkit.cli import main

if __name__ == "__main__":
    main()
