"""`cocoon verify`: what was edited, lost, paid again or is older than its run, and runs of before without hashes."""

import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import cocoon as door
from cocoon.core.errors import CocoonError
from cocoon.models.journal.store import Journal
from cocoon.reports.runs import facts_of_run
from cocoon.tests.commands import cocoon, endpoint
from cocoon.tests.running.integrity.damaged_runs import Change, command, copied, make_run, replaced

ARCHIVE = Path(__file__).parent.parent.parent / "data" / "first_release.tar.gz"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "run"
    make_run(out)
    return out


def problems(run: Path) -> list[str]:
    """What `verify` says is wrong."""
    done = cocoon("verify", str(run))
    assert done.code == (1 if len(done.out.splitlines()) > 1 else 0), done.out
    return done.out.splitlines()[:-1]


def test_a_run_is_as_it_was_made_and_has_its_whole_journal_in_one_file(run: Path) -> None:
    done = cocoon("verify", str(run))
    assert done.code == 0 and done.out.endswith("all as they were made\n"), done.out
    assert "2 dialogues, 8 ratings" in done.out and not done.err
    assert [path.name for path in run.glob("journal.sqlite*")] == ["journal.sqlite"]
    result = door.verify(run)
    assert result.ok and result.unchecked == [] and result.checked["calls"] == result.checked["calls"] > 16
    assert cocoon("verify", str(run), "--json").json == result.model_dump(mode="json")


def without_last_line(name: str) -> Change:
    def change(run: Path) -> None:
        lines = (run / name).read_bytes().splitlines(keepends=True)
        (run / name).write_bytes(b"".join(lines[:-1]))

    return change


def with_statement(statement: str) -> Change:
    def change(run: Path) -> None:
        with closing(sqlite3.connect(run / "journal.sqlite")) as journal, journal:
            assert journal.execute(statement).rowcount > 0

    return change


EDITS: list[tuple[Change, list[str]]] = [
    (
        replaced("dialogues.jsonl", '"role":"user","content":"', '"role":"user","content":"No. '),
        [
            "dialogues.jsonl, line 1, 'en-01.bench.0': was edited after it was made",
            "ratings.jsonl, 'en-01.bench.0': 4 ratings are stale: they are of other words than the dialogue has now",
            "report.md: is older than its run (dialogues.jsonl changed since); make the report again",
        ],
    ),
    (replaced("ratings.jsonl", '"vote":0', '"vote":1'), ["was given and is not there any more"]),
    (replaced("ratings.jsonl", '"scale":"comfort"', '"scale":"rac"'), ["was given and is not there any more"]),
    (replaced("ratings.jsonl", '"rung":"', '"rung":"x'), ["was edited after it was given"]),
    (without_last_line("ratings.jsonl"), ["was given and is not there any more"]),
    (without_last_line("dialogues.jsonl"), ["'en-02.bench.0': was made and is not there any more"]),
    (replaced("config.yaml", "seed: 0", "seed: 1"), ["config.yaml: was changed after the last session ended"]),
    (replaced("manifest.json", '"seed": 0', '"seed": 1'), ["manifest.json: was changed after the last session"]),
    (replaced("trace.jsonl", '"step":1', '"step":9'), ["trace.jsonl: was changed after the last session ended"]),
    (lambda run: (run / "failures.jsonl").unlink(), ["failures.jsonl: is missing", "report.md: is older than"]),
    (replaced("report.md", "Report", "Rapport"), ["report.md: was changed after the report was made"]),
    (lambda run: shutil.rmtree(run / "figures"), ["figures/", "is missing"]),
    (lambda run: (run / "journal.sqlite").unlink(), ["journal.sqlite: is missing, and the run had one"]),
    (with_statement("delete from calls where node = 'user'"), ["is missing from the calls", "not in the journal"]),
    (with_statement("update texts set text = text || '.'"), ["the text of a prompt is not the one that was sent"]),
    (with_statement("delete from texts"), ["texts of prompts are missing"]),
    (
        with_statement("update calls set reply = json_set(reply, '$.text', 'Hm.') where node = 'user'"),
        ["journal.sqlite, dialogue 'en-01.bench.0', call user/0/0/0: is not as it was answered"],
    ),
    (with_statement("update seals set sha = 'x' where kind = 'record'"), ["was edited after it was made"]),
    (with_statement("update seals set base = 'x' where kind = 'record'"), ["has other replies than this was made of"]),
    (with_statement("update about set value = '9'"), ["has schema ['9'], and this program reads '1'"]),
]


@pytest.mark.parametrize(("change", "told"), EDITS)
def test_every_edit_and_loss_is_told(run: Path, tmp_path: Path, change: Change, told: list[str]) -> None:
    words = "\n".join(problems(copied(run, tmp_path / "run", change)))
    assert all(part in words for part in told), words


@contextmanager
def with_open_log(run: Path) -> Iterator[None]:
    """A journal whose last calls stand in the write-ahead log alone, as a killed session leaves it."""
    with closing(sqlite3.connect(run / "journal.sqlite", isolation_level=None)) as journal:
        last = journal.execute("select * from calls where node like 'judge%' order by answered_at limit 5").fetchall()
        journal.execute("pragma journal_mode=wal")
        places = [row[:5] for row in last]
        where = "dialogue=? and node=? and ordinal=? and vote=? and attempt=?"
        journal.executemany(f"delete from calls where {where}", places)
        journal.execute("pragma wal_checkpoint(truncate)")
        journal.executemany("insert into calls values (?,?,?,?,?,?,?,?,?,?)", last)
        yield


def test_a_journal_copied_without_its_log_and_a_cut_log_are_told(run: Path, tmp_path: Path) -> None:
    with with_open_log(copied(run, tmp_path / "open")):
        whole, bare, cut = (copied(tmp_path / "open", tmp_path / name) for name in ("whole", "bare", "cut"))
    assert problems(whole) == []
    (bare / "journal.sqlite-wal").unlink()
    os.truncate(cut / "journal.sqlite-wal", (cut / "journal.sqlite-wal").stat().st_size // 2)
    for broken in (bare, cut):
        (lost,) = [line for line in problems(broken) if "named by ratings.jsonl" in line]
        assert "was copied without journal.sqlite-wal, or that file was cut or removed" in lost


def test_calls_that_were_paid_again_are_told(tmp_path: Path) -> None:
    with endpoint() as spec:
        words = command(spec, tmp_path)
        assert cocoon(*words, "--budget-calls", "4").code == 3
        with_statement("delete from calls where node = 'user'")(tmp_path)
        assert cocoon(*words).code == 0
    (told,) = problems(tmp_path)
    assert "calls were paid for again, because their answers had been lost" in told


def test_a_report_is_older_once_more_is_judged_and_is_current_when_made_again(run: Path, tmp_path: Path) -> None:
    out = copied(run, tmp_path / "run")
    with endpoint() as spec:
        assert cocoon("judge", str(out), "--judge", spec, "--scales", "basic").code == 0
    assert problems(out) == [
        "report.md: is older than its run (basic.yaml, ratings.jsonl changed since); make the report again"
    ]
    assert cocoon("report", str(out)).code == 0
    assert problems(out) == []


def test_dialogues_from_elsewhere_are_held_against_what_was_judged(run: Path, tmp_path: Path) -> None:
    with endpoint() as spec:
        words = ("--judge", spec, "--scales", "basic", "--out", str(tmp_path / "judged"))
        assert cocoon("judge", str(run / "dialogues.jsonl"), *words).code == 0
    assert problems(tmp_path / "judged") == []
    replaced("dialogues.jsonl", '"role":"user","content":"', '"role":"user","content":"No. ')(tmp_path / "judged")
    told = problems(tmp_path / "judged")
    assert ["was edited" in line or "1 ratings are stale" in line for line in told] == [True, True], told


@pytest.mark.parametrize("name", ["guarded", "prompted", "profiles", "script"])
def test_a_run_of_the_first_release_is_checked_as_far_as_it_can_be(tmp_path: Path, name: str) -> None:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    run = tmp_path / name
    done = cocoon("verify", str(run))
    assert done.code == 0 and "calls have no hash (made before release 0.2)" in done.err
    if name in ("guarded", "prompted"):
        replaced("dialogues.jsonl", '"role":"user","content":"', '"role":"user","content":"No. ')(run)
        edited, stale = problems(run)
        assert "has other words than its reply in the journal" in edited and "ratings are stale" in stale
    with_statement("update texts set text = text || '.'")(run)
    assert any("is not the one that was sent" in line for line in problems(run))


def test_a_run_at_work_is_not_checked_and_what_is_no_run_is_told(run: Path, tmp_path: Path) -> None:
    from cocoon.running.folder import RunFolder

    folder = RunFolder(copied(run, tmp_path / "run"))
    try:
        with pytest.raises(CocoonError, match="a process is working on this run"):
            door.verify(folder.path)
    finally:
        folder.close()
    with pytest.raises(CocoonError, match="has no run"):
        door.verify(tmp_path)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nobody write to a folder inside the block: root takes the rights of another user."""
    paths = [folder, *folder.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    is_root = os.getuid() == 0
    if is_root:
        os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        if is_root:
            os.setresuid(-1, 0, -1)
            os.setresuid(0, 0, 0)
        for path in paths:
            path.chmod(0o755)


@pytest.mark.parametrize("log", [False, True])
def test_a_read_only_run_is_reported_and_verified(run: Path, tmp_path: Path, log: bool) -> None:
    assert cocoon("verify", str(run)).code == 0
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        target = copied(run, Path(name) / "run")
        if log:
            with with_open_log(copied(run, Path(name) / "open")):
                shutil.rmtree(target)
                copied(Path(name) / "open", target)
        with read_only(target):
            done = cocoon("report", str(target))
            assert done.code == 0 and f"not written: {target} is read-only; give --out FOLDER" in done.err
            assert facts_of_run(target)["calls"] > 9
            assert problems(target) == []
    assert cocoon("report", str(run), "--out", str(tmp_path / "there")).code == 0
    assert (tmp_path / "there" / "report.html").is_file()


def test_a_journal_that_somebody_reads_keeps_its_log_until_it_is_opened_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as reading:
        reading.execute("begin")
        reading.execute("select * from calls").fetchall()
        journal.close()
    Journal(tmp_path / "journal.sqlite").close()
    assert [path.name for path in tmp_path.iterdir()] == ["journal.sqlite"]
