"""Real SPARQL engines, each started in a folder of its own on free ports and ended by its process."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from valueweave.store.remote_target import Target

VIRTUOSO_MISSING = "Virtuoso is not here; 'apt-get install virtuoso-opensource-7-bin' brings it"
OXIGRAPH_MISSING = "the Oxigraph server is not here; 'pip install oxigraph' brings it"

_INI = """[Database]
DatabaseFile = v.db
ErrorLogFile = v.log
LockFile = v.lck
TransactionFile = v.trx
xa_persistent_file = v.pxa
FileExtend = 200
MaxCheckpointRemap = 2000
TempStorage = TempDatabase
[TempDatabase]
DatabaseFile = t.db
TransactionFile = t.trx
[Parameters]
ServerPort = 127.0.0.1:{sql}
DisableUnixSocket = 1
MaxClientConnections = 20
CheckpointInterval = 0
CaseMode = 2
NumberOfBuffers = 40000
MaxDirtyBuffers = 20000
ThreadsPerQuery = 1
DirsAllowed = .
[HTTPServer]
ServerPort = 127.0.0.1:{http}
ServerThreads = 10
[SPARQL]
ResultSetMaxRows = {rows}
MaxQueryCostEstimationTime = 0
MaxQueryExecutionTime = 0
"""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports


@contextmanager
def _running(command: list[str], folder: Path, ready: str) -> Iterator[None]:
    """A server, from the moment when it says that it listens."""
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert child.stdout is not None
    said = []
    try:
        for line in child.stdout:
            said.append(line)
            if ready in line:
                break
        else:
            pytest.fail(f"{command[0]} did not start: {''.join(said)[-2000:]}")
        yield
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


@contextmanager
def oxigraph(folder: Path) -> Iterator[Target]:
    """An Oxigraph server that holds its data in memory."""
    program = shutil.which("oxigraph") or str(Path(sys.executable).with_name("oxigraph"))
    if not Path(program).exists():
        pytest.skip(OXIGRAPH_MISSING)
    [port] = free_ports(1)
    with _running([program, "serve", "--bind", f"127.0.0.1:{port}"], folder, "Listening"):
        yield Target.read(f"http://127.0.0.1:{port}/query", {"VALUEWEAVE_REMOTE_DIALECT": "oxigraph"})


@contextmanager
def virtuoso(folder: Path, rows: int = 10_000_000) -> Iterator[Target]:
    """A Virtuoso server with an empty database."""
    program = shutil.which("virtuoso-t")
    if program is None:
        pytest.skip(VIRTUOSO_MISSING)
    sql, http = free_ports(2)
    (folder / "v.ini").write_text(_INI.format(sql=sql, http=http, rows=rows), "utf-8")
    with _running([program, "+foreground", "+configfile", "v.ini"], folder, "Server online at"):
        settings = {"DIALECT": "virtuoso", "USER": "dba", "PASSWORD": "dba"}
        environment = {f"VALUEWEAVE_REMOTE_{name}": value for name, value in settings.items()}
        yield Target.read(f"http://127.0.0.1:{http}/sparql", environment)


ENGINES = {"oxigraph": oxigraph, "virtuoso": virtuoso}
