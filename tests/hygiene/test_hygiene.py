"""The ontology keeps its conventions, and every check that says so can fail."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.validation.hygiene import Check, check_ontology, load_checks, load_modules

PROJECT = Project.find()
CHECKS = load_checks(PROJECT.ontology / "checks")
FIXTURES = {path.stem: path for path in (Path(__file__).parent.parent / "fixtures" / "hygiene").iterdir()}
BY_CHECK = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)


@pytest.fixture(scope="module")
def modules() -> ox.Store:
    return load_modules(PROJECT.module_files())


@BY_CHECK
class TestChecks:
    def test_the_ontology_passes(self, check: Check, modules: ox.Store) -> None:
        [result] = check_ontology(modules, [check])
        assert result.looked_at > 0
        assert "\n".join(map(str, result.problems())) == ""

    def test_the_check_finds_what_its_fixture_does_wrong_and_nothing_else(self, check: Check) -> None:
        """In a fixture, what offends has 'bad' in its name; beside it stands something that does not."""
        [result] = check_ontology(load_modules([FIXTURES[check.name]]), [check])
        found = {offence.term.lower() for offence in result.offences}
        assert found
        assert all("bad" in term for term in found), found
        assert result.looked_at > len(found)
        assert {problem.code for problem in result.problems()} == {check.name}


def test_there_are_many_checks_and_each_has_one_fixture() -> None:
    assert len(CHECKS) >= 20
    assert set(FIXTURES) == {check.name for check in CHECKS}


class TestReading:
    def test_a_header_without_its_remedy_is_refused_by_name(self, tmp_path: Path) -> None:
        path = tmp_path / "some-check.rq"
        path.write_text("#+ level: error\n#+ problem: Wrong.\n#+ subjects: ?term ?p ?o\nSELECT ?term { ?term ?p ?o }\n")
        with pytest.raises(InputError, match="'remedy'"):
            load_checks(tmp_path)

    def test_an_unknown_level_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "some-check.rq"
        path.write_text("#+ level: fatal\n#+ problem: W.\n#+ remedy: R.\n#+ subjects: ?term ?p ?o\nSELECT ?term {}\n")
        with pytest.raises(InputError, match="'level'"):
            load_checks(tmp_path)

    def test_a_query_that_is_no_sparql_is_an_input_error_that_names_the_check(self) -> None:
        check = Check("broken", "error", "P.", "R.", "?term ?p ?o", "SELECT ?term WHERE {")
        with pytest.raises(InputError, match="broken"):
            check_ontology(ox.Store(), [check])

    def test_a_module_that_does_not_parse_is_an_input_error_with_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "broken.ttl"
        path.write_text("@prefix a: <urn:a> .\na:b a:c\n")
        with pytest.raises(InputError, match=r"broken\.ttl:3"):
            load_modules([path])

    def test_a_check_that_looks_at_nothing_says_so(self) -> None:
        [result] = check_ontology(
            ox.Store(), [Check("x", "error", "P.", "R.", "?term ?p ?o", "SELECT ?term { ?term ?p ?o }")]
        )
        assert result.looked_at == 0
        assert result.offences == ()
