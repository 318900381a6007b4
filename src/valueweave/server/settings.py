"""What an operator may set, by environment or file.

In: environment variables ``VALUEWEAVE_SERVER_...``, a TOML file. Out: :class:`Settings`.
The decision hidden here: the limits that keep one asker from taking everything, and which source goes before which: the
environment, then the file, then what stands here. A name that is no setting is refused, in both.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from valueweave.problems import InputError, Problem, did_you_mean
from valueweave.store.memory import memory_here

__all__ = ["ENVIRONMENT", "Settings", "load_settings"]

ENVIRONMENT = "VALUEWEAVE_SERVER_"
"""How the environment variables begin; the name of a setting follows, as in ``VALUEWEAVE_SERVER_QUERY_SECONDS``."""


def _by_commas(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def _for_the_cores() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(max(2, cores), 256)


def _half_of_the_memory() -> int:
    return memory_here() // 2


class Settings(BaseModel):
    """Limits and habits of a server.

    Attributes:
        allowed_origins: origins whose pages may read the answers (CORS); ``*`` is everyone. With commas in the
            environment.
        max_query_bytes: longest SPARQL query taken, and longest body of a request.
        evaluators: how many processes answer SPARQL queries; 0 answers them in the server's own, without the limits on
            time and memory.
        spare_evaluators: how many more processes each worker may start while long queries keep all evaluators busy and
            others wait. What takes longer than half a second there makes way for those.
        query_seconds: how long a query may take.
        query_waiting: how many seconds a query waits for a free evaluator.
        query_memory_mib: memory that a query may take; 0 is no limit.
        copy_memory_mib: memory for copies of the store, from which queries are answered two to four times as fast; of a
            store that needs more there are none, and 0 makes none. Each worker, each evaluator and what they are made
            from may come to have one.
        answer_bytes: the longest answer to a query.
        services: addresses that queries may call by `SERVICE`, each written there in full; without any, queries find no
            network at all. With commas in the environment.
        unsent_bytes: memory for answers on their way in each worker; beyond it long answers are refused.
        stalled_seconds: who takes hardly anything of an answer for so long is cut off.
        cache_bytes: memory for answers that are kept to be sent again; 0 keeps none.
        shown_rows: how many rows of an answer a page for people shows.
        related: how many things a description names for each incoming property.
        described_incoming: how many incoming statements the RDF description of a thing holds.
        workers: how many processes take requests; the evaluators are divided among them, two each at least.
        stop_seconds: how long requests under way may take when the server is stopped.
        log: ``words`` for people, or ``json``: a line of JSON for the start, the stop, workers that are replaced and
            requests that are refused.
        access_log: write a line of JSON to standard error for each request.
        write_token: who sends this as ``Authorization: Bearer`` may write; without it nobody may. Better given by
            environment than by file, and never shown.
        max_write_bytes: longest case file, graph or update taken.
        write_seconds: how long a change may take.
        write_waiting: how many seconds a change waits for those before it.
        write_memory_mib: memory that a change may take, of which the engine takes some 300; 0 is no limit.

    >>> Settings(max_query_bytes=10_000).related
    50
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    allowed_origins: Annotated[tuple[str, ...], BeforeValidator(_by_commas)] = ("*",)
    max_query_bytes: int = Field(default=1_000_000, ge=100)
    evaluators: int = Field(default_factory=_for_the_cores, ge=0, le=256, description="one for each core, at least 2")
    spare_evaluators: int = Field(default=2, ge=0, le=256)
    query_seconds: float = Field(default=30.0, gt=0)
    query_waiting: float = Field(default=10.0, ge=0)
    query_memory_mib: int = Field(default=2048, ge=0)
    copy_memory_mib: int = Field(default_factory=_half_of_the_memory, ge=0, description="half of the memory there is")
    answer_bytes: int = Field(default=100_000_000, ge=1000)
    services: Annotated[tuple[str, ...], BeforeValidator(_by_commas)] = ()
    unsent_bytes: int = Field(default=256_000_000, ge=1_000_000)
    stalled_seconds: float = Field(default=30.0, gt=0)
    cache_bytes: int = Field(default=64_000_000, ge=0)
    shown_rows: int = Field(default=500, ge=1)
    related: int = Field(default=50, ge=1)
    described_incoming: int = Field(default=1000, ge=0)
    workers: int = Field(default=1, ge=1, le=64)
    stop_seconds: float = Field(default=30.0, ge=0)
    log: Literal["words", "json"] = "words"
    access_log: bool = False
    write_token: Annotated[SecretStr, Field(min_length=16)] | None = None
    max_write_bytes: int = Field(default=5_000_000, ge=100)
    write_seconds: float = Field(default=60.0, gt=0)
    write_waiting: float = Field(default=10.0, ge=0)
    write_memory_mib: int = Field(default=4096, ge=0)


def load_settings(environment: dict[str, str], file: Path | None = None) -> Settings:
    """Return the settings of an environment and a file.

    Args:
        environment: variables by name; those that begin otherwise are not looked at.
        file: a TOML file with the settings as keys.

    Raises:
        InputError: when the file cannot be read, or with every setting that there is not or that is out of bounds.

    >>> load_settings({"VALUEWEAVE_SERVER_EVALUATORS": "4"}).evaluators
    4
    """
    given: dict[str, Any] = {}
    places: dict[str, str] = {}
    if file is not None:
        for name, value in _read(file).items():
            given[name], places[name] = value, str(file)
    for name, value in environment.items():
        if name.startswith(ENVIRONMENT):
            setting = name.removeprefix(ENVIRONMENT).lower()
            given[setting], places[setting] = value, name
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = []
        for item in error.errors():
            name = str(item["loc"][0])
            if item["type"] == "extra_forbidden":
                message = f"There is no setting '{name}'."
                remedy = did_you_mean(name, list(Settings.model_fields), f"Known: {', '.join(Settings.model_fields)}.")
            else:
                # Of a secret, which has characters, the library says items.
                short = item["type"] == "too_short" and f"It must have at least {item['ctx']['min_length']} characters"
                message, remedy = f"The setting '{name}' is wrong: {short or item['msg']}.", "Give another value."
            problems.append(Problem("wrong-setting", message, remedy, file=places.get(name), term=name))
        raise InputError(*problems) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            Problem("unreadable-settings", "The file of settings cannot be read.", "Check the path.", file=str(file))
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            Problem("settings-syntax", f"The file of settings is not TOML: {error}.", "Mend it.", file=str(file))
        ) from error
