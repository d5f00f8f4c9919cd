import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from benchmarks.choices import choices_of, introduce
from benchmarks.command import application
from benchmarks.failures import BenchmarkFailed
from benchmarks.given import OUR_OWN
from benchmarks.peers import __main__ as installer
from benchmarks.peers import environment
from benchmarks.peers.catalogue import PEERS, Peer
from benchmarks.peers.environment import Environment
from benchmarks.peers.opening import as_uri
from benchmarks.scenarios import lifecycle
from benchmarks.scenarios.worker import measure
from benchmarks.systems.peer import PeerSystem
from benchmarks.worker_process import worker_environment


class FakePeer(Peer):
    @property
    def script(self) -> str:
        return "tests.benchmarks.fake_peer"


def peer(name: str, *requirements: str) -> FakePeer:
    return FakePeer(name=name, requirements=requirements, server="postgres", jobs=4, pickups=2)


def fake(address: Path) -> PeerSystem:
    return PeerSystem(peer("fake"), Path(sys.executable), str(address), "fsync")


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment, "FOLDER", tmp_path)


def wheel(folder: Path) -> str:
    """The path of a package with nothing in it."""
    about = "empty-1.0.dist-info"
    path = folder / "empty-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: empty\nVersion: 1.0\n")
        file.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{about}/RECORD", "")
    return str(path)


def install(monkeypatch: pytest.MonkeyPatch, *peers: Peer) -> Result:
    monkeypatch.setattr(installer, "PEERS", {one.name: one for one in peers})
    return CliRunner().invoke(installer.application(), [])


def test_a_peer_is_measured_through_its_script(tmp_path: Path) -> None:
    with fake(tmp_path / "queue") as system:
        readings = measure(system, jobs=4, pickups=2)

        assert system.is_drained()
    assert all(value > 0 for value in readings.values())


def test_a_script_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFailed, match=r"^fake: \{'do': 'install'\} failed, code 1: FileExistsError"):
        fake(tmp_path).__enter__()


def test_a_worker_that_ends_too_early_fails_the_round(tmp_path: Path) -> None:
    with (
        fake(tmp_path / "dies") as system,
        pytest.raises(BenchmarkFailed, match=r"^fake's worker ended too early, code 1: .*no worker today$"),
    ):
        measure(system, jobs=4, pickups=2)


def test_jobs_that_ran_twice_fail_the_round(tmp_path: Path) -> None:
    with (
        fake(tmp_path / "twice") as system,
        pytest.raises(BenchmarkFailed, match=r"^fake at fsync ran 8 handlers for 4 jobs"),
    ):
        measure(system, jobs=4, pickups=2)


def test_a_peer_that_can_be_called_without_its_worker_takes_part_in_lifecycle(tmp_path: Path) -> None:
    with fake(tmp_path / "queue") as system:
        readings = lifecycle.measure(system, jobs=4, batch=2)

        assert system.waiting() == 0
    assert all(value > 0 for value in readings.values())


def test_a_peer_that_runs_dry_fails_the_round(tmp_path: Path) -> None:
    with (
        fake(tmp_path / "dry") as system,
        pytest.raises(BenchmarkFailed, match="RuntimeError: ran dry at 0 of 4 jobs"),
    ):
        lifecycle.measure(system, jobs=4, batch=2)


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("name", ["pgqueuer", "pgqueuer:fsync"])
def test_a_peer_asked_for_and_not_installed_is_one_clear_line(name: str) -> None:
    done = CliRunner().invoke(application(), ["worker", "--systems", f"pgqueue,{name}"])

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"benchmarks: {name} is not installed: make bench-peers\n"


@pytest.mark.usefixtures("nothing_installed")
def test_peers_not_asked_for_and_not_installed_are_left_out_and_named() -> None:
    kept, _, notes = introduce(choices_of(["worker"], []), OUR_OWN)

    assert {one.system for one in kept[0].contestants}.isdisjoint(PEERS)
    labels = ", ".join(f"{name}:fsync" for name in PEERS)
    assert notes == [f"left out, not installed (make bench-peers): {labels}"]


@pytest.mark.usefixtures("nothing_installed")
def test_an_install_that_fails_is_told_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken, whole = peer("broken", "/no/such/peer-1.0-py3-none-any.whl"), peer("whole", wheel(tmp_path))

    done = install(monkeypatch, broken, whole)

    assert done.exit_code == 1
    assert done.stderr.startswith("broken: could not be installed: ")
    assert "/no/such/peer-1.0-py3-none-any.whl" in done.stderr
    assert not Environment(broken).is_made()
    assert Environment(whole).is_made()
    assert Environment(whole).python.exists()


@pytest.mark.usefixtures("nothing_installed")
def test_a_python_that_is_nowhere_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    done = install(monkeypatch, replace(peer("new"), oldest_python="3.99"))

    assert done.stderr == (
        "new: could not be installed: it needs Python 3.99 or later, and none was found on the PATH\n"
    )


@pytest.mark.usefixtures("nothing_installed")
def test_other_pins_make_an_environment_outdated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, peer("whole", wheel(tmp_path)))

    assert not Environment(peer("whole", "empty==1.1")).is_made()


def test_an_unknown_peer_is_one_clear_line() -> None:
    done = CliRunner().invoke(installer.application(), ["nonsense"])

    assert done.exit_code == 2
    assert done.stderr.startswith("benchmarks: unknown peer 'nonsense'; there are: pgqueuer")


def test_every_peer_has_a_script_that_states_its_contract() -> None:
    folder = Path(environment.__file__).with_name("scripts")

    for one in PEERS.values():
        text = Path(folder, one.script.rpartition(".")[2] + ".py").read_text(encoding="utf-8")
        for promise in ("Delivery:", "History:", "Durability:", "Transactional enqueue:", "Settings:"):
            assert promise in text


@pytest.mark.parametrize(
    ("dsn", "uri"),
    [
        ("host=/a/b port=5432 user=me dbname=x/y", "postgresql://me@%2Fa%2Fb:5432/x%2Fy"),
        (
            "postgresql://me:se%3Acret@host/app?options=-c%20a",
            "postgresql://me:se%3Acret@host/app?options=-c%20a",
        ),
    ],
)
def test_a_dsn_is_told_as_a_uri(dsn: str, uri: str) -> None:
    assert as_uri(dsn) == uri


def test_what_a_peers_own_python_imports_is_in_the_standard_library() -> None:
    modules = "benchmarks.peers.protocol, benchmarks.payload, benchmarks.tally"
    without_packages = [sys.executable, "-S", "-P", "-c", f"import {modules}"]

    subprocess.run(without_packages, env=worker_environment(), check=True)
