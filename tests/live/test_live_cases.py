"""Live cases: put, replaced and taken out again, with everything that follows from them and nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest
import yaml

from valueweave.build import build
from valueweave.live import Curator
from valueweave.live.cases import entity_tag
from valueweave.problems import ContradictionError, InputError
from valueweave.project import Project
from valueweave.store import EmbeddedStore
from valueweave.store.changing import changing
from valueweave.store.versions import StoreMissingError, Versions

from .conftest import asks, assert_state, case, manifest, quads, record, state


def problems(error: pytest.ExceptionInfo[InputError]) -> list[str]:
    return [problem.code for problem in error.value.problems]


def test_a_case_is_seen_with_what_follows_and_goes_without_a_trace(project: Project, curator: Curator) -> None:
    before = state(project)
    applied = curator.put_case("mill", case("mill"))
    assert applied.created
    assert applied.added > applied.inferred > 0
    assert asks(project, "<actor/jd> sce:cooperatesWith <actor/mill>")  # inferred: it was said the other way round
    assert curator.cases()["mill"].text == case("mill")
    assert curator.case("mill") == curator.cases()["mill"]
    assert curator.case("mill").version == applied.version == manifest(project)["version"]  # type: ignore[union-attr]
    gone = curator.delete_case("mill")
    assert (gone.added, gone.removed) == (0, applied.added)
    assert_state(project, before)
    assert curator.cases() == {}
    assert curator.case("mill") is None


def test_a_change_leaves_what_a_build_would_make(project: Project, curator: Curator) -> None:
    curator.put_case("mill", case("mill"))
    curator.put_case("oil", case("oil", record("actor/press", "Organization", "identifiedIn: stage/mill")))
    curator.put_case("mill", case("mill", record("stage/mill-2", "Stage", "growth: 4.50")))
    curator.put_case("mill", case("mill", record("stage/mill-2", "Stage", "order: 2", "growth: 4.50")))
    changed = state(project)
    build(project, force=True)
    assert_state(project, changed)
    assert set(curator.cases()) == {"mill", "oil"}
    assert EmbeddedStore.is_intact(project.store)


def test_the_same_document_put_again_changes_nothing(project: Project, curator: Curator) -> None:
    first = curator.put_case("mill", case("mill"))
    again = curator.put_case("mill", case("mill"))
    assert (again.version, again.created, again.added, again.etag) == (first.version, False, 0, first.etag)


def test_a_case_may_be_json_and_its_faults_have_their_places(project: Project, curator: Curator) -> None:
    document = yaml.safe_load(case("mill"))
    document["label"] = {"en": "mill 😀 \\ud83d", "zh": "磨/坊"}
    text = json.dumps(document, indent="\t")
    curator.put_case("mill", text.encode(), "json")
    assert asks(project, '<case/mill> rdfs:label "mill 😀 \\\\ud83d"@en , "磨/坊"@zh')
    assert curator.case("mill").media == "json"  # type: ignore[union-attr]
    wrong = text.replace("startYear", "strtYear")
    with pytest.raises(InputError) as error:
        curator.put_case("mill", wrong.encode(), "json")
    [problem] = error.value.problems
    line = next(n for n, one in enumerate(wrong.splitlines(), 1) if "strtYear" in one)
    assert (problem.code, problem.file, problem.line, problem.column) == ("unknown-key", "mill.json", line, 4)
    with pytest.raises(InputError) as error:
        curator.put_case("mill", text[:-1].encode(), "json")
    assert problems(error) == ["json-syntax"]


def test_everything_wrong_is_told_at_once_with_its_place(project: Project, curator: Curator) -> None:
    before = state(project)
    text = case(
        "mill",
        record("actor/press", "Organization", "cooperatesWith: actor/nobody", "strtYear: 1999"),
        record("actor/jd", "Organization", "identifiedIn: stage/jd-9"),
        record("stage/mill-2", "Stage", "order: first").replace("source/000", "source/999"),
        "  - id: actor/bare\n    type: Organization\n",
        "  - id: actor/elsewhere\n    cooperatesWith: actor/mill\n",
        extra="",
    ).replace(b"start: 1, end: 5", b"start: 1, end: 5000", 1)
    with pytest.raises(InputError) as error:
        curator.put_case("mill", text)
    found = {(problem.code, problem.term) for problem in error.value.problems}
    assert found >= {
        ("unknown-reference", "cooperatesWith"),
        ("unknown-key", "strtYear"),
        ("duplicate-id", "id"),
        ("unknown-reference", "identifiedIn"),
        ("span-outside-text", "end"),
        ("undefined-record", "id"),
    }
    lines = text.decode().splitlines()
    for problem in error.value.problems:
        assert problem.file == "mill.yaml"
        assert problem.line is not None
    [unknown] = [p for p in error.value.problems if p.term == "strtYear"]
    assert lines[(unknown.line or 0) - 1].strip() == "strtYear: 1999"
    [near] = [p for p in error.value.problems if p.code == "unknown-reference" and p.term == "identifiedIn"]
    assert "stage/jd-1" in near.remedy
    [double] = [p for p in error.value.problems if p.code == "duplicate-id"]
    assert "graph:case/jd" in double.message
    assert_state(project, before)


def test_shapes_look_at_what_the_store_says(project: Project, curator: Curator) -> None:
    with pytest.raises(InputError) as error:
        curator.put_case("mill", case("mill", "  - id: actor/jd\n    identifiedIn: stage/jd-1\n"))
    assert "no-evidence" in problems(error) or any("evidence" in str(p) for p in error.value.problems)


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("jd", case("jd"), "case-of-a-file"),
        ("mill", case("other"), "case-id-mismatch"),
        ("mill", case("mill").replace(b"type: Case", b"type: Registry"), "case-id-mismatch"),
        ("../x", case("mill"), "case-name"),
        ("Mill", case("mill"), "case-name"),
        ("mill", b"", "empty-file"),
        ("mill", b"a: [", "yaml-syntax"),
        ("mill", b"\xff\xfea", "wrong-encoding"),
        ("mill", case("mill").replace(b"context.jsonld", b"other.jsonld"), "foreign-context"),
    ],
)
def test_what_is_no_case_of_that_name_is_refused(
    project: Project, curator: Curator, name: str, text: bytes, code: str
) -> None:
    version = manifest(project)["version"]
    with pytest.raises(InputError) as error:
        curator.put_case(name, text)
    assert code in problems(error)
    assert manifest(project)["version"] == version
    assert {path.name for path in (project.store / "versions").iterdir()} == {version}


def test_a_file_of_the_project_is_named_where_its_case_is_refused(curator: Curator) -> None:
    changes: list[Callable[[], object]] = [
        lambda: curator.put_case("jd", case("jd")),
        lambda: curator.delete_case("jd"),
    ]
    for change in changes:
        with pytest.raises(InputError) as error:
            change()
        assert problems(error) == ["case-of-a-file"]
        assert error.value.problems[0].file == "data/cases/jd.yaml"


def test_accounts_that_are_no_cases_have_a_graph_of_their_own(project: Project, curator: Curator) -> None:
    text = case("mill", id_="account/mill").replace(b"type: Case", b"type: GeneralAccount")
    curator.put_case("mill", text)
    assert any(graph.endswith("graph/account/mill") for graph in manifest(project)["statistics"]["graphs"])
    curator.put_case("mill", case("mill"))
    assert not any(graph.endswith("graph/account/mill") for graph in manifest(project)["statistics"]["graphs"])


def test_two_people_do_not_overwrite_each_other(curator: Curator) -> None:
    first = curator.put_case("mill", case("mill"), if_none_match="*")
    other = case("mill", record("stage/mill-2", "Stage"))
    for conditions in (
        {"if_none_match": "*"},
        {"if_match": entity_tag(other)},
        {"if_match": f"W/{first.etag}"},
        {"if_none_match": f'"x", {first.etag}'},
    ):
        with pytest.raises(InputError) as error:
            curator.put_case("mill", other, **conditions)  # type: ignore[arg-type]
        assert problems(error) == ["precondition-failed"]
    second = curator.put_case("mill", other, if_match=f'"x", {first.etag}')
    with pytest.raises(InputError) as error:
        curator.delete_case("mill", if_match=first.etag)
    assert problems(error) == ["precondition-failed"]
    curator.delete_case("mill", if_match=second.etag)
    with pytest.raises(InputError) as error:
        curator.put_case("mill", other, if_match="*")
    assert problems(error) == ["precondition-failed"]
    with pytest.raises(InputError) as error:
        curator.delete_case("mill")
    assert problems(error) == ["unknown-case"]


def test_a_case_that_others_refer_to_stays(project: Project, curator: Curator) -> None:
    curator.put_case("mill", case("mill", record("stage/mill-2", "Stage")))
    both = record("actor/press", "Organization", "identifiedIn: [stage/mill, stage/mill-2]")
    curator.put_case("oil", case("oil", both, record("actor/mule", "Organization", "cooperatesWith: actor/mill")))
    before = state(project)
    with pytest.raises(InputError) as error:
        curator.delete_case("mill")
    told = {(problem.code, problem.record, problem.term) for problem in error.value.problems}
    assert told >= {
        ("case-referred-to", "actor/press", "sce:identifiedIn"),
        ("case-referred-to", "actor/mule", "sce:cooperatesWith"),
    }
    assert {problem.code for problem in error.value.problems} == {"case-referred-to"}
    assert any("stage/mill-2" in problem.message for problem in error.value.problems)
    with pytest.raises(InputError) as error:
        curator.put_case("mill", case("mill"))  # without the second stage
    assert [(p.code, p.record) for p in error.value.problems] == [("case-referred-to", "actor/press")]
    assert_state(project, before)
    curator.delete_case("oil")
    curator.delete_case("mill")


def test_what_only_adds_to_a_thing_needs_it_too(project: Project, curator: Curator) -> None:
    curator.put_case("mill", case("mill"))
    curator.update("INSERT DATA { <stage/mill> sce:endYear 2012 }")
    with pytest.raises(InputError) as error:
        curator.delete_case("mill")
    [problem] = error.value.problems
    assert (problem.code, problem.record, problem.term) == ("case-referred-to", "stage/mill", "sce:endYear")
    assert "graph:updates" in problem.message


def test_at_most_fifty_referrers_are_named(curator: Curator) -> None:
    curator.put_case("mill", case("mill"))
    curator.put_case(
        "oil", case("oil", *(record(f"actor/o{n}", "Organization", "identifiedIn: stage/mill") for n in range(60)))
    )
    with pytest.raises(InputError) as error:
        curator.delete_case("mill")
    assert len(error.value.problems) == 50


def test_a_contradiction_is_refused_with_its_proof(project: Project, curator: Curator) -> None:
    before = state(project)
    lines = case("mill", record("actor/odd", "[Organization, Stage]"))
    with pytest.raises(ContradictionError) as error:
        curator.put_case("mill", lines)
    [problem] = error.value.problems
    assert problem.code == "contradiction"
    assert (problem.file, problem.record) == ("mill.yaml", "actor/odd")
    assert lines.decode().splitlines()[(problem.line or 0) - 1].strip().startswith("type:")
    assert_state(project, before)
    curator.put_case("mill", case("mill"))


def test_contradictions_that_were_let_pass_do_not_stop_other_changes(project: Project, curator: Curator) -> None:
    path = project.data / "cases" / "jd.yaml"
    path.write_text(path.read_text("utf-8") + record("actor/odd", "[Organization, Stage]"), "utf-8")
    build(project, allow_contradictions=True)
    curator.put_case("mill", case("mill"))
    assert manifest(project)["counts"]["contradictions"] == len(manifest(project)["contradictions"]) == 1
    with pytest.raises(ContradictionError) as error:
        curator.put_case("oil", case("oil", record("actor/even", "[Organization, Stage]")))
    assert [problem.record for problem in error.value.problems] == ["actor/even"]


def test_readers_see_a_version_whole_whatever_comes_after(project: Project, curator: Curator) -> None:
    reader = EmbeddedStore.open(project.store)
    before = len(quads(project))
    for number in range(6):
        curator.put_case("mill", case("mill", record(f"stage/m{number}", "Stage")))
    assert len(list(reader.statements())) == reader.manifest["counts"]["quads"]
    assert len(quads(project)) > before
    reader.close()
    curator.delete_case("mill")
    assert len(list((project.store / "versions").iterdir())) <= 3


def test_changes_of_several_threads_are_all_made(project: Project, curator: Curator) -> None:
    names = [f"c{number}" for number in range(6)]
    faults: list[Exception] = []

    def put(name: str) -> None:
        try:
            (curator if name < "c3" else Curator(project)).put_case(name, case(name))
        except Exception as error:  # told below
            faults.append(error)

    threads = [threading.Thread(target=put, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert list(curator.cases()) == names
    assert EmbeddedStore.is_intact(project.store)


def test_a_change_does_not_wait_for_ever(project: Project) -> None:
    with changing(Versions(project.store)), pytest.raises(InputError) as error:
        Curator(project, wait=0.05).put_case("mill", case("mill"))
    assert problems(error) == ["store-busy"]


def test_without_a_store_or_with_another_ontology_nothing_is_changed(project: Project, curator: Curator) -> None:
    with pytest.raises(StoreMissingError):
        Curator(Project(project.home, project.home / "nowhere")).put_case("mill", case("mill"))
    assert not (project.home / "nowhere").exists()
    with (project.ontology / "modules" / "stages.ttl").open("a", encoding="utf-8") as file:
        file.write("sce:Extra a owl:Class .\n")
    with pytest.raises(InputError) as error:
        curator.put_case("mill", case("mill"))
    assert problems(error) == ["store-outdated"]
    build(project)
    curator.put_case("mill", case("mill"))
