"""What happens when something outside goes wrong: damaged stores, full disks, builds at once, odd outputs."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from valueweave.build import build
from valueweave.files import write_atomically
from valueweave.graph import open as open_graph
from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.store import EmbeddedStore
from valueweave.store.versions import Versions

from .conftest import ROOT, Command


@pytest.fixture
def ready(built_project: Project, tmp_path: Path) -> Project:
    """A copy of the built project, which a test may damage."""
    shutil.copytree(built_project.home, tmp_path / "copy")
    return Project(tmp_path / "copy", tmp_path / "copy" / "store")


def database(project: Project) -> Path:
    versions = Versions(project.store)
    return versions.database(versions.current()["folder"])


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    for place in range(len(body)):
        body[place] ^= 0x55
    path.write_bytes(body)


@pytest.mark.parametrize("damage", [truncate, flip, Path.unlink])
@pytest.mark.parametrize("files", ["*.sst", "MANIFEST-*"])
def test_a_damaged_store_is_told_and_a_plain_build_heals_it(
    ready: Project, command: Command, damage: Callable[[Path], None], files: str
) -> None:
    for path in database(ready).glob(files):
        damage(path)
    for arguments in (["query", "stages"], ["export", "-o", "x.owl"]):
        done = command(ready, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "broken-store" in done.stderr
        assert "valueweave build --force" in done.stderr
        assert "Traceback" not in done.stderr
    healed = command(ready, "build")
    assert (healed.returncode, "Built version" in healed.stdout) == (0, True), healed.stderr
    assert command(ready, "query", "stages").returncode == 0


def test_damage_that_only_shows_while_reading_is_told_and_healed(ready: Project) -> None:
    for path in database(ready).glob("*.sst"):
        content = bytearray(path.read_bytes())
        content[5:60] = bytes(55)
        path.write_bytes(content)
    with pytest.raises(InputError, match="broken-store"):
        _read_through(ready)
    assert build(ready).built


def _read_through(project: Project) -> None:
    with open_graph(project.home, project.store) as kg:
        kg.query("SELECT * { ?s ?p ?o }")
        list(kg.to_rdflib())


def test_a_sound_store_is_left_alone(ready: Project) -> None:
    assert not build(ready).built


@pytest.mark.parametrize("store", ["/proc/none/store", "/dev/null/store"])
def test_a_store_that_cannot_be_written_is_told(project: Project, command: Command, store: str) -> None:
    if not Path(store).parent.parent.exists():
        pytest.skip("no such file system here; Linux has it")
    done = command(Project(project.home, Path(store)), "build")
    assert done.returncode == 2
    assert store in done.stderr
    assert "store-not-writable" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_build_that_fails_to_write_leaves_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Versions, manifest: object) -> None:
        raise OSError(28, "No space left on device", str(self.folder / "current.json.1"))

    monkeypatch.setattr(Versions, "switch", full)
    with pytest.raises(InputError, match="No space left") as error:
        build(project)
    assert error.value.problems[0].file == str(project.store)
    assert list((project.store / "versions").iterdir()) == []


def test_a_folder_with_other_things_is_no_place_for_a_store(project: Project, tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "thesis.doc").write_text("x")
    with pytest.raises(InputError, match="not-a-store"):
        build(Project(project.home, tmp_path / "papers"))
    assert [path.name for path in (tmp_path / "papers").iterdir()] == ["thesis.doc"]


def test_a_build_waits_for_another_one_and_takes_its_result(project: Project) -> None:
    told: list[str] = []
    reports = []
    threads = [threading.Thread(target=lambda: reports.append(build(project, tell=told.append))) for _ in range(2)]
    project.store.mkdir()
    with FileLock(project.store / "build.lock"):  # as if a third build were running
        for thread in threads:
            thread.start()
        until = time.monotonic() + 60
        while len(told) < 2 and time.monotonic() < until:
            time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert [message for message in told if "waiting" not in message] == []
    assert len(told) == 2
    assert sorted(report.built for report in reports) == [False, True]


def test_waiting_has_an_end(project: Project) -> None:
    project.store.mkdir()
    with FileLock(project.store / "build.lock"), pytest.raises(InputError, match="build-running"):
        build(project, wait=0.2)


# -- output


def test_the_target_of_a_link_is_replaced_and_not_the_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (b"new", 0o640)


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_atomically(pipe, b"through")
    reader.join()
    assert read == [b"through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no-folder"):
        write_atomically(tmp_path / "new" / "file", b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not-writable"):
        write_atomically(tmp_path, b"x")
    assert tmp_path.is_dir()


@pytest.mark.parametrize("output", ["-", "/dev/stdout"])
def test_an_export_goes_to_standard_output(ready: Project, command: Command, output: str) -> None:
    done = command(ready, "export", "--format", "ntriples", "--output", output)
    assert done.returncode == 0, done.stderr
    assert "/id/stage/jd-1>" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system; Linux has it")
def test_a_full_disk_is_told(ready: Project, command: Command) -> None:
    done = command(ready, "export", "--output", "/dev/full")
    assert (done.returncode, "No space left" in done.stderr, "Traceback" in done.stderr) == (2, True, False)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system; Linux has it")
@pytest.mark.parametrize("arguments", ["query stages", "query stages --json", "query --list"])
def test_a_full_standard_output_is_told(ready: Project, arguments: str) -> None:
    line = f'"{sys.executable}" -m valueweave --home "{ready.home}" --store "{ready.store}" {arguments} > /dev/full'
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


# -- what lies among the authored files


def test_a_folder_called_like_a_file_is_told(ready: Project, command: Command) -> None:
    (ready.data / "cases" / "x.yaml").mkdir()
    done = command(ready, "build")
    assert (done.returncode, "x.yaml" in done.stderr, "Traceback" in done.stderr) == (2, True, False)
    assert "1 error. The store is as it was." in done.stderr


@pytest.mark.parametrize("name", ["new.yml", "new.YAML", "new.json"])
def test_a_file_that_is_not_read_is_told(ready: Project, command: Command, name: str) -> None:
    (ready.data / "cases" / name).write_text("id: x")
    told = command(ready, "validate")
    assert (told.returncode, name in told.stdout, "unread-file" in told.stdout) == (0, True, True)
    assert "1 warning" in told.stderr
    assert name in command(ready, "build", "--force").stderr


def test_the_store_opens_for_those_who_only_read(ready: Project) -> None:
    assert EmbeddedStore.is_intact(ready.store)
