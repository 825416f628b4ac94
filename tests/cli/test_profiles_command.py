"""`cocoon profiles`: import and show on the command line, and the shipped profiles by name."""

from pathlib import Path

import pytest

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, read_records
from cocoon.core.outside.profile_files import profile_path
from cocoon.core.records import ChainStep, Memory, Profile
from cocoon.tests.commands import cocoon
from cocoon.tests.corpora.test_profile_import import CARD, FIGURE_8, written


def test_import_writes_records_and_tells_the_repairs(tmp_path: Path) -> None:
    out = tmp_path / "new" / "profiles.jsonl"
    arguments = ["profiles", "import", "cocoon", str(written(tmp_path, {**FIGURE_8, "Memory": 3})), "-o", str(out)]
    done = cocoon(*arguments)
    assert (done.code, done.out) == (0, "")
    assert "file.json, line 1: memory: dropped: it is no list of memories but 3" in done.err
    assert [profile.id for profile in read_records(out, Profile)] == ["cocoon-1"]
    assert {path.name for path in out.parent.iterdir()} == {"profiles.jsonl", "profiles.ledger.json"}
    again = cocoon(*arguments)
    assert (again.code, again.err) == (
        2,
        f"cocoon: {out}: already exists; give --force to replace it, or choose another -o\n",
    )
    told = cocoon(*arguments, "--force", "--json").json
    assert (told["read"], told["kept"], told["counts"]["dropped"]) == (1, 1, 1)


def test_a_failed_import_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    out = tmp_path / "profiles.jsonl"
    out.write_text("mine", "utf-8")
    cards = written(tmp_path, [CARD, {**CARD, "base": ""}])
    done = cocoon("profiles", "import", "esc-eval", str(cards), "-o", str(out), "--force")
    assert done.code == 2 and "record 2: key 'base' is empty" in done.err
    assert out.read_text("utf-8") == "mine"
    done = cocoon("profiles", "import", "esc-eval", str(cards), "-o", str(out), "--force", "-n", "1")
    assert done.code == 0 and len(list(read_records(out, Profile))) == 1


def test_an_unknown_kind_names_the_kinds(tmp_path: Path) -> None:
    done = cocoon("profiles", "import", "esconv", "x", "-o", str(tmp_path / "p"))
    assert (done.code, done.err) == (
        2,
        "cocoon: profile kind 'esconv' is not known; the kinds are esc-eval, cocoon, extes, cactus, sage, esc-judge, "
        "interactive-agents, patienthub, jsonl\n",
    )


@pytest.mark.parametrize(("name", "files"), [("shipped", ["zh", "en"]), ("shipped:zh", ["zh"]), ("shipped:en", ["en"])])
def test_the_shipped_profiles_go_by_name(name: str, files: list[str]) -> None:
    paths = profile_path(name)
    assert [path.stem for path in paths] == files
    assert [len(list(read_records(path, Profile))) for path in paths] == [10] * len(files)


def test_a_name_without_profiles_is_an_error() -> None:
    with pytest.raises(CocoonError, match="'shipped:fr': there are shipped, shipped:zh, shipped:en"):
        profile_path("shipped:fr")
    with pytest.raises(CocoonError, match=r"'absent\.jsonl': no such file"):
        profile_path("absent.jsonl")


def test_show_prints_a_table_or_one_profile() -> None:
    table = cocoon("profiles", "show", "shipped")
    ids = [f"{language}-{number:02}" for language in ("zh", "en") for number in range(1, 11)]
    assert table.code == 0 and [name for name in ids if name not in table.out] == []
    one = cocoon("profiles", "show", "shipped:en", "en-03")
    assert one.code == 0 and "en-03 (en)" in one.out and "[2] " in one.out
    missing = cocoon("profiles", "show", "shipped:en", "en-033")
    assert missing.code == 2 and "no profile 'en-033' in it; did you mean 'en-03'?" in missing.err


def test_a_profile_without_need_says_what_that_means(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    file.write_bytes(dump_line(Profile(id="a", language="en", feeling="b", memory=[Memory(text="c")])))
    assert "none: success is not applicable" in cocoon("profiles", "show", str(file), "a").out
    step = ChainStep(need="n", difficulty=3, reason="why")
    file.write_bytes(dump_line(Profile(id="a", language="en", feeling="b", need="n", chain=[step])))
    assert "difficulty 3: why" in cocoon("profiles", "show", str(file), "a").out
