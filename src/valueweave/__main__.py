"""``python -m valueweave``: the command line.

In: arguments. Out: as :mod:`valueweave.cli`.
The decision hidden here: none.
"""

from valueweave.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
