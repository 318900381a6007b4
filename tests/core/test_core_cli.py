"""The command line, as scripts and people use it: data out, problems apart, exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from valueweave.project import Project
from valueweave.queries import load_questions

from .conftest import ROOT, Command


@pytest.fixture
def ready(built_project: Project, tmp_path: Path) -> Project:
    """A copy of the built project, which a test may change."""
    shutil.copytree(built_project.home, tmp_path / "copy")
    return Project(tmp_path / "copy", tmp_path / "copy" / "store")


def test_version(project: Project, command: Command) -> None:
    done = command(project, "--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "valueweave")


def test_build_then_build_again(project: Project, command: Command) -> None:
    first = command(project, "build", "--json")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["counts"]["files"] == 2
    again = command(project, "build")
    assert (again.returncode, "Nothing has changed" in again.stdout) == (0, True)


def test_a_wrong_case_is_told_with_its_place_and_the_store_stays(ready: Project, command: Command) -> None:
    case = ready.home / "data/cases/jd.yaml"
    case.write_text(case.read_text("utf-8").replace("startYear: 2007", "startYear: soon"), "utf-8")
    done = command(ready, "build")
    assert (done.returncode, done.stdout) == (2, "")
    assert "jd.yaml:" in done.stderr
    assert "startYear" in done.stderr
    asked = command(ready, "query", "stages", "--json")
    assert asked.returncode == 0
    assert "files have changed" in asked.stderr
    assert json.loads(asked.stdout)["results"]["bindings"]
    told = command(ready, "validate", str(case), "--json")
    assert told.returncode == 2
    assert json.loads(told.stdout)["problems"][0]["term"] == "startYear"


def test_validate_says_what_it_looked_at(ready: Project, command: Command) -> None:
    done = command(ready, "validate")
    assert (done.returncode, done.stdout) == (0, "")
    assert "2 files, 0 errors" in done.stderr


def test_a_missing_store_is_built_first_and_data_stays_apart(project: Project, command: Command) -> None:
    done = command(project, "query", "stages", "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert [row[1] for row in csv.reader(io.StringIO(done.stdout))] == ["start", "2007", "2017"]
    assert f"There is no store at {project.store} yet: building it." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "stdin", "words"),
    [
        (["stages", "--param", "from=2010"], None, "stage/jd-2"),
        (["-", "--json"], "SELECT ?s { ?s a sce:Stage }", '"vars": ["s"]'),
        (["-"], "\ufeffASK { ?s a sce:Stage }", "yes"),
        (["-", "--format", "turtle"], "CONSTRUCT WHERE { ?s sce:order ?o }", "sce:order 1"),
        (["-", "--json"], "CONSTRUCT WHERE { ?s sce:order ?o }", '"@id"'),
        (["-", "--scope", "inferred"], "SELECT ?s { ?s a sce:Actor }", "(2 rows)"),
        (["-", "-p", "actor=actor/jd"], "SELECT ?l { ?_actor_iri rdfs:label ?l FILTER(LANG(?l) = 'zh') }", "京东"),
    ],
)
def test_questions_files_and_standard_input(
    ready: Project, command: Command, arguments: list[str], stdin: str | None, words: str
) -> None:
    done = command(ready, "query", *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    assert words in done.stdout


def test_a_file_goes_before_a_question_of_that_name(
    ready: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    (tmp_path / "stages").write_text("SELECT ?here { BIND('a file' AS ?here) }", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert "a file" in command(ready, "query", "stages").stdout


def test_the_list_of_questions(ready: Project, command: Command) -> None:
    assert "--param from=<integer> = 2000" in command(ready, "query", "--list").stdout
    listed = json.loads(command(ready, "query", "--list", "--json").stdout)["questions"]
    assert [question["name"] for question in listed] == list(load_questions(ready))


@pytest.mark.parametrize(
    ("arguments", "stdin", "words"),
    [
        (["query"], None, "--list"),
        (["query", "stags"], None, "Did you mean 'stages'"),
        (["query", "none/such.rq"], None, "no such file"),
        (["query", "SELECT ?s { ?s ?p ?o }"], None, "query -"),
        (["query", "stages-of jd"], None, "query -"),
        (["query", "/"], None, "folder"),
        (["query", "stages", "--json", "--format", "csv"], None, "do not go together"),
        (["query", "stages", "--format", "docx"], None, "text, json"),
        (["query", "-", "-p", "actor=nobody"], "ASK { ?_actor_iri ?p ?o }", "is no value for"),
        (["keys", "Stge"], None, "Did you mean 'Stage'"),
        (["query", "stages", "--param", "form=1"], None, "Did you mean 'from'"),
        (["query", "stages", "--param", "from"], None, "NAME=VALUE"),
        (["query", "stages", "--param", "from=x"], None, "whole number"),
        (["query", "-"], "SELECT ?s {\n ?s foo:x ?o }", "2:"),
        (["query", "-"], "SELECT * { SERVICE <urn:x> {} }", "service-refused"),
        (["query", "-", "--format", "turtle"], "SELECT * {}", "csv"),
        (["query", "-", "--scope", "some"], "SELECT * {}", "scope"),
        (["export", "--format", "docx", "-o", "x"], None, "owl"),
        (["export", "--include", "all", "-o", "x"], None, "evidence, inferred"),
        (["export", "-o", "/none/such/x.owl"], None, "Make it first"),
        (["nothing"], None, "nothing"),
    ],
)
def test_bad_input_is_told_in_words_with_code_2(
    ready: Project, command: Command, arguments: list[str], stdin: str | None, words: str
) -> None:
    done = command(ready, *arguments, stdin=stdin)
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_names_that_the_graph_does_not_have_are_noted(ready: Project, command: Command) -> None:
    query = "SELECT ?l { ?_actor_iri rdfs:label ?l ; sce:startYaer ?y }"
    done = command(ready, "query", "-", "-p", "actor=actor/jb", stdin=query)
    assert done.returncode == 0
    assert "actor/jb is not in the graph. Did you mean 'actor/jd'" in done.stderr
    assert "no term sce:startYaer. Did you mean 'sce:startYear'" in done.stderr
    right = command(ready, "query", "-", "-p", "actor=jd", stdin="ASK { ?_actor_iri a sce:Organization }")
    assert (right.stdout, right.stderr) == ("yes\n", "")


def test_where_home_and_store_are_is_told(ready: Project, command: Command) -> None:
    told = command(ready, "--version").stdout.splitlines()
    assert told[1:] == [f"home  {ready.home}", f"store {ready.store}"]
    assert "VALUEWEAVE_HOME" in command(ready, "--help").stdout


def test_the_keys_of_a_class_are_listed(ready: Project, command: Command) -> None:
    assert "FormationStep" in command(ready, "keys").stdout
    listed = command(ready, "keys", "Stage")
    assert listed.returncode == 0, listed.stderr
    assert any(line.split()[:3] == ["startYear", "sce:startYear", "integer"] for line in listed.stdout.splitlines())
    told = json.loads(command(ready, "keys", "Stage", "--json").stdout)["keys"]
    assert {"key", "property", "value", "required", "definition"} == set(told[0])
    assert [key["key"] for key in told if key["required"]] == ["label"]


def test_counts_are_worded(ready: Project, command: Command) -> None:
    case = ready.home / "data/cases/jd.yaml"
    case.write_text(case.read_text("utf-8").replace("startYear: 2007", "startYear: soon"), "utf-8")
    assert command(ready, "validate", str(case)).stderr.strip() == "1 file, 1 error, 0 warnings"
    assert command(ready, "build").stderr.strip().endswith("1 error. The store is as it was.")


def test_a_folder_without_a_project_is_told(tmp_path: Path, command: Command) -> None:
    done = command(Project(tmp_path, tmp_path / "store"), "build")
    assert (done.returncode, "no knowledge graph" in done.stderr) == (2, True)


def test_a_reader_that_goes_away_makes_no_noise(ready: Project) -> None:
    line = f'"{sys.executable}" -m valueweave --home "{ready.home}" --store "{ready.store}" query - | head -c 10'
    query = "SELECT * { ?s ?p ?o . ?a ?b ?c }"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(line, shell=True, input=query, capture_output=True, text=True, check=False, env=environment)
    assert done.stderr == ""


def test_evidence_is_verified_shown_and_found(ready: Project, tmp_path: Path, command: Command) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "a.txt").write_text("0 JD and its\npartners grew. " * 40, "utf-8")
    checked = command(ready, "evidence", "verify", "--sources", str(texts), "--json")
    assert checked.returncode == 1, checked.stderr
    report = json.loads(checked.stdout)
    assert (report["ok"], report["checked"], report["intact"]) == (False, 5, 0)
    found = command(ready, "evidence", "find", "--source", "000", "--text", "its partners", "--sources", str(texts))
    assert (found.returncode, found.stdout.count("sha256: ")) == (0, 40)
    nothing = command(ready, "evidence", "find", "--source", "000", "--text", "absent", "--sources", str(texts))
    assert (nothing.returncode, nothing.stdout) == (1, "")
    shown = command(ready, "evidence", "show", "actor/jd", "--sources", str(texts), "--json")
    assert json.loads(shown.stdout)["passages"][0]["text"] == " JD "
    (tmp_path / "empty").mkdir()
    nothing = command(ready, "evidence", "verify", "--sources", str(tmp_path / "empty"))
    assert (nothing.returncode, len(nothing.stdout.splitlines())) == (2, 2)
    assert "5 not checked" in nothing.stdout
    wrong = command(ready, "evidence", "verify", "--sources", str(tmp_path / "none"))
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)


@pytest.mark.parametrize("name", ["context", "schema"])
def test_generated_files_are_written_and_checked(ready: Project, command: Command, name: str) -> None:
    assert command(ready, "generate", name, "--check").returncode == 1
    assert command(ready, "generate", name).returncode == 0
    assert command(ready, "generate", name, "--check").returncode == 0


def test_the_progress_bar_waits_and_only_shows_in_a_terminal(project: Project, command: Command) -> None:
    assert command(project, "build").stderr == ""
    pty = pytest.importorskip("pty", reason="no terminals on this system; Linux and macOS have them")
    reader, writer = pty.openpty()
    code = (
        "import time\nfrom valueweave.progress import progress_bar\n"
        "with progress_bar('Slow', 0.1) as watch:\n watch('reading', 2, 5); time.sleep(0.6)\n"
        "with progress_bar('Quick', 5) as watch:\n watch('reading', 2, 5)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TERM": "xterm"}
    subprocess.run([sys.executable, "-c", code], stderr=writer, stdout=writer, check=True, env=environment)
    os.close(writer)
    seen = b""
    while chunk := _read(reader):
        seen += chunk
    os.close(reader)
    assert b"2/5 reading" in seen
    assert b"Quick" not in seen


def _read(handle: int) -> bytes:
    """Read what a terminal shows; Linux ends with an error instead of nothing."""
    try:
        return os.read(handle, 4096)
    except OSError:
        return b""
