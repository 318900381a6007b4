"""Any sequence of changes leaves what a build of the same documents would make."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from valueweave.build import build
from valueweave.live import Curator
from valueweave.problems import InputError
from valueweave.project import Project

from .conftest import assert_state, case, record, state

EXAMPLES = int(os.environ.get("VALUEWEAVE_EXAMPLES", "8"))
NAMES = ("a", "b", "c")
names = st.sampled_from(NAMES)
stages = st.sampled_from([*(f"stage/{name}" for name in NAMES), "stage/jd-1"])
actors = st.sampled_from([*(f"actor/{name}" for name in NAMES), "actor/jd"])
records = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.one_of(st.tuples(st.just("identifiedIn"), stages), st.tuples(st.just("cooperatesWith"), actors)),
    ),
    max_size=3,
    unique_by=lambda one: one[0],
)
puts = st.tuples(names, st.integers(1, 2), records)
updates = st.one_of(
    st.builds("INSERT DATA {{ <{}> sce:cooperatesWith <{}> }}".format, actors, actors),
    st.builds("DELETE WHERE {{ <{}> sce:cooperatesWith ?x }}".format, actors),
    st.builds(
        "DELETE {{ ?s sce:order ?o }} INSERT {{ ?s sce:order {} }} WHERE {{ ?s sce:order ?o }}".format,
        st.integers(1, 3),
    ),
    st.builds("INSERT {{ ?s sce:identifiedIn <{}> }} WHERE {{ <{}> sce:cooperatesWith ?s }}".format, stages, actors),
)
steps = st.lists(st.one_of(puts, puts, names, updates), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def warm(pristine: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Curator, Path]:
    """A project whose store is put back before each example, and its door."""
    home = tmp_path_factory.mktemp("sequences") / "home"
    shutil.copytree(pristine.home, home)
    project = Project(home, home / "store")
    return project, Curator(project), pristine.store


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=steps)
def test_changes_one_after_the_other_equal_a_build(
    steps: list[tuple[str, int, list[tuple[int, tuple[str, str]]]] | str], warm: tuple[Project, Curator, Path]
) -> None:
    project, curator, pristine = warm
    shutil.rmtree(project.store)
    shutil.copytree(pristine, project.store)
    for step in steps:
        try:
            if isinstance(step, tuple):
                name, order, links = step
                own = [record(f"actor/{name}{n}", "Organization", f"{key}: {value}") for n, (key, value) in links]
                curator.put_case(name, case(name, *own, record(f"stage/{name}{order}", "Stage", f"order: {order}")))
            elif step in NAMES:
                curator.delete_case(step)
            else:
                curator.update(step)
        except InputError as error:
            codes = {problem.code for problem in error.problems}
            if not codes <= {"unknown-reference", "case-referred-to", "unknown-case"}:
                raise
    changed = state(project)
    # Updates may have made what cases refer to, or may say what no document may; it is their effect that counts here.
    build(project, force=True)
    assert_state(project, changed)
