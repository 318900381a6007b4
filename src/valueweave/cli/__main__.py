"""``python -m valueweave.cli``: the command line."""

from valueweave.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
