"""The command line.

In: arguments, standard input. Out: data on standard output, progress and problems on standard error, an exit code:
0 answered, 1 a check failed or the output cannot be written, 2 bad input.
The decision hidden here: the commands and their options. What they do stands in the modules they call; these are loaded
when a command runs, so that each command starts quickly.

``app`` holds the options of all commands and the way out; each other module holds a few commands; ``opening`` and
``output`` are what several of them share.
"""

from valueweave.cli import (  # noqa: F401 - each adds its commands
    build,
    evidence,
    generate,
    keys,
    numbers,
    publish,
    query,
    reasoning,
    search,
)
from valueweave.cli.app import app, main

__all__ = ["app", "main"]
