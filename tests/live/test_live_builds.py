"""Builds take over what was changed while the store was in use, or say why they cannot."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from valueweave.build import build
from valueweave.live import Curator
from valueweave.problems import ContradictionError, InputError, Problem
from valueweave.project import Project
from valueweave.store.versions import Versions

from .conftest import asks, assert_state, case, manifest, record, state

LINK = "<actor/jd> sce:cooperatesWith <actor/wuliu>"


def add_to_jd(project: Project, *records: str) -> None:
    path = project.data / "cases" / "jd.yaml"
    path.write_text(path.read_text("utf-8") + "".join(records), "utf-8")


def refused(project: Project) -> list[Problem]:
    before = state(project)
    with pytest.raises(InputError) as error:
        build(project)
    assert_state(project, before)
    return list(error.value.problems)


def test_what_was_changed_while_files_changed_is_there_after_the_build(project: Project, curator: Curator) -> None:
    curator.put_case("mill", case("mill"))
    curator.update(f"DELETE DATA {{ {LINK} }} ; INSERT DATA {{ <actor/x> sce:cooperatesWith <actor/wuliu> }}")
    tag = curator.cases()["mill"].etag
    assert not build(project).built
    add_to_jd(project, record("stage/jd-3", "Stage"))
    report = build(project)
    assert report.counts["files"] == 3
    assert asks(project, "<actor/wuliu> sce:cooperatesWith <actor/x> . <stage/jd-3> a sce:Stage")
    assert not asks(project, LINK)
    assert curator.cases()["mill"].etag == tag
    curator.delete_case("mill", if_match=tag)


def test_a_live_case_that_no_longer_fits_stops_the_build(project: Project, curator: Curator) -> None:
    curator.put_case("mill", case("mill"))
    add_to_jd(project, record("actor/mill", "Organization"))
    found = refused(project)
    assert {problem.code for problem in found} == {"duplicate-id"}
    [mine] = [problem for problem in found if problem.file == "live/mill.yaml"]
    assert "--drop-live mill" in mine.remedy
    assert mine.line is not None
    build(project, drop_live=["mill"])
    assert curator.cases() == {}
    assert not asks(project, "<stage/mill> ?p ?o")


def test_a_file_that_defines_a_live_case_is_told(project: Project, curator: Curator) -> None:
    curator.put_case("mill", case("mill"))
    (project.data / "cases" / "mill.yaml").write_bytes(case("mill"))
    [problem] = refused(project)
    assert problem.code == "case-of-a-file"
    assert problem.file is not None
    assert problem.file.endswith("data/cases/mill.yaml")
    assert "--drop-live mill" in problem.remedy
    before = state(project)
    build(project, drop_live=["mill"])
    assert_state(project, before)


def test_an_unknown_name_to_drop_is_told(project: Project, curator: Curator) -> None:
    curator.put_case("mill", case("mill"))
    with pytest.raises(InputError) as error:
        build(project, drop_live=["mil"])
    [problem] = error.value.problems
    assert problem.code == "unknown-case"
    assert "mill" in problem.remedy


def test_what_updates_say_may_be_referred_to_and_may_contradict(project: Project, curator: Curator) -> None:
    curator.update("INSERT DATA { <actor/x> a sce:Organization ; rdfs:label 'x' }")
    curator.put_case("mill", case("mill", record("actor/y", "Organization", "cooperatesWith: actor/x")))
    build(project, force=True)
    add_to_jd(project, "  - id: stage/jd-1\n    type: Organization\n")
    curator.update("INSERT DATA { <stage/new> a sce:Stage }")
    path = project.data / "cases" / "jd.yaml"
    path.write_text(path.read_text("utf-8").rpartition("  - id: stage/jd-1")[0], "utf-8")
    add_to_jd(project, record("stage/new", "Organization"))
    before = state(project)
    with pytest.raises(ContradictionError) as error:
        build(project)
    assert "--drop-updates" in error.value.problems[0].remedy
    assert_state(project, before)


def test_live_cases_outlive_a_store_that_is_damaged(project: Project, curator: Curator) -> None:
    curator.put_case("mill", case("mill"))
    before = state(project)
    database = Versions(project.store).database(manifest(project)["folder"])
    for path in database.glob("*.sst"):
        path.write_bytes(b"")
    build(project)
    assert_state(project, before)


@pytest.mark.parametrize("harm", ["pointer", "folder"])
def test_live_cases_outlive_a_pointer_that_is_damaged(project: Project, curator: Curator, harm: str) -> None:
    curator.put_case("mill", case("mill"))
    curator.put_case("mill", case("mill", record("stage/mill-2", "Stage")))
    before = state(project)
    if harm == "pointer":
        (project.store / "current.json").write_text("{", "utf-8")
    else:
        shutil.rmtree(Versions(project.store).database(manifest(project)["folder"]))
    build(project)
    assert_state(project, before)


def test_the_command_line_drops_live_cases(project: Project, curator: Curator) -> None:
    curator.put_case("mill", case("mill"))
    curator.update(f"DELETE DATA {{ {LINK} }}")
    places = ["--home", str(project.home), "--store", str(project.store)]
    command = [sys.executable, "-m", "valueweave", *places, "build"]
    subprocess.run([*command, "--drop-live", "mill", "--drop-updates"], check=True, capture_output=True)
    assert curator.cases() == {}
    assert asks(project, LINK)
