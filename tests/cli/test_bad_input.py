"""Bad flags, settings and corpora: each ends in one line with exit code 2, without a traceback and without a hang."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cocoon.tests.commands import cocoon
from cocoon.tests.conversations import ROOT

HUGE = "9" * 20
DIGITS = "9" * 10_000
NOBODY = "http://127.0.0.1:9/v1#m"
TALK = ["simulate", "--profiles", "shipped:en", "--supporter", NOBODY, "--user", NOBODY, "--out", "o", "--dry-run"]
SIMULATE = [
    *(["-n", number] for number in (HUGE, "-1", "0", "x", "", "1.5", "nan", DIGITS)),
    *(["--rounds", number] for number in ("-1", HUGE, "many", "inf", DIGITS)),
    *(["--samples", number] for number in ("0", "-3", "x", HUGE)),
    *(["--concurrency", number] for number in ("0", "-1", "x")),
    *(["--timeout", number] for number in ("0", "-5", "nan", "soon")),
    *(["--budget-calls", number] for number in ("-1", "x", "1.5")),
    *(["--budget-tokens", number] for number in ("-1", "x")),
    *(["--budget-money", number] for number in ("-1", "nan", "x")),
    *(["--seed", number] for number in ("x", "1.5", DIGITS)),
    *(["--language", name] for name in ("fr", "", "EN", "zh,en")),
    *(["--user-kind", name] for name in ("kind", "")),
    *(["--difficulty", name] for name in ("vile", "1")),
    *(["--scales", name] for name in ("comfort", "no-such", "")),
    *(["--judge", NOBODY, "--scales", name] for name in ("no-such", ",", "../x", "\u0000", "x" * 5_000)),
    *(["--profiles", name] for name in ("none.jsonl", "shipped:fr", ".", "/", "\u0000", "x" * 5_000)),
    *(["--preset", name] for name in ("none", "../paper", "")),
    *(["--config", name] for name in ("none.yaml", ".", "/proc/self/mem")),
    *(["--no-such-flag"], ["extra"], ["--rounds"], ["--judge"], ["--out", ""], ["-n"]),
]
# These are found out when the models are opened, which a dry run does not do.
SPECS = [
    *(["--supporter", spec] for spec in ("x", "x:y", "=", "a=b", ":", "python:none.py:f", "scripted:none", "local:")),
    *(["--user", spec] for spec in ("python:", "python::", "python:x.py", "http://", "openai:", "local:none/none")),
    *(["--prompts", name] for name in ("none", "/dev/null")),
    ["--supporter", f"a={NOBODY}", "--supporter", f"a={NOBODY}"],
]
OPTIONS = [
    *(
        "rounds",
        "=",
        "=1",
        "rounds=",
        "rounds=[1",
        "rounds=null",
        "round=1",
        "rounds=1e999",
        f"rounds={DIGITS}",
    ),
    *("user=1", "user.kind=x", "user..kind=x", ".=1", "user.kind.x=1", "supporters.9.model=x"),
    *("supporters.0=1", "supporters.*.no=1", "judge.votes=0", "judge.votes=-1", f"judge.votes={HUGE}"),
    *(
        "judge.temperature=9",
        "judge.temperature=nan",
        "judge.scales=1",
        "prices=1",
        "prices.x=1",
        "budget=1",
        "seed=1.5",
    ),
    *(
        "seed=2024-13-45",
        "seed=!!bool x",
        "seed=!!timestamp x",
        "seed=!!int ''",
        "seed=!!binary ?",
        "seed=*a",
        "seed=&a [*a]",
    ),
    *(
        "seed=" + "[" * 1_500,
        "seed=" + "{a: " * 1_500,
        "language=fr",
        "timeout=-1",
        "limit=0",
        "form_pairs=-1",
        "verb=x",
    ),
    *(
        "scale_files=[none.yaml]",
        "user.temperature=-1",
        "user.max_tokens=0",
        "rounds=\u0000",
    ),
]
YAML = {
    "deep": "a: " + "[" * 1_500,
    "deep keys": "{a: " * 1_500,
    "digits": f"seed: {DIGITS}",
    "references": "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
    "a circle": "a: &a [*a]",
    "a list": "- rounds: 1",
    "a word": "rounds",
    "a date": "seed: 2024-13-45",
    "a tag": "seed: !!python/object/apply:os.system ['true']",
    "a wrong tag": "seed: !!bool maybe",
    "a key twice": "rounds: [1]\nrounds: {}",
    "a key that is a list": "? [1, 2]\n: 3",
    "a number as key": "1: 2",
    "tabs": "user:\n\tkind: guarded",
    "a colon": "rounds: 1: 2",
    "a NUL": "rounds: \u0000",
    "two documents": "rounds: 1\n---\nrounds: 2",
    "infinity": "timeout: .inf\nrounds: .nan",
    "an unknown key": "rouns: 1",
    "nothing known": "x: {y: {z: 1}}",
}
JSONL = {
    "empty": "",
    "a word": "hello",
    "a list": "[]\n[]",
    "null": "null",
    "deep": "[" * 1_500,
    "deep objects": '{"a":' * 1_500,
    "digits": DIGITS,
    "no keys": "{}",
    "another kind": '{"id": 1, "turns": 2}',
    "half a line": '{"id": "a", "feel',
    "half a surrogate": '{"id": "\\ud800"}',
    "a CSV file": "id,text\n1,hello",
    "a BOM": "\ufeff{}",
    "turns that are none": json.dumps(
        {"id": "a", "turns": [1, None, "x"], "messages": [7], "dialog": [[]], "conversation": {}}
    ),
    "roles that are none": json.dumps({"id": "a", "messages": [{"role": 5, "content": None}]}),
}
CORPORA = (
    *(
        "esconv",
        "extes",
        "esdcot",
        "soulchat",
        "psydt",
        "smile",
        "cpsycound",
        "cpsycoune",
        "emollm",
        "cocoon",
        "cactus",
    ),
    *("sage", "jsonl", "messages", "sharegpt"),
)
OTHERS = [
    *(
        ["power", *words]
        for words in (["--difference", "0", "--spread", "1"], ["--difference", "nan", "--spread", "1"])
    ),
    *(["power", "--difference", "1", "--spread", value] for value in ("0", "-1", "inf", "x")),
    *(["power", "--rates", value] for value in ("1", "2,3", "a,b", "0.5,0.5", ",", "0,0", "nan,1")),
    *(["power", "--difference", "1", "--spread", "1", "--profiles", value] for value in ("0", "-1", "x", "1.5")),
    *(["power", "--difference", "1", "--spread", "1", "--level", value] for value in ("0", "1", "2", "-1", "nan")),
    *([verb, "none"] for verb in ("report", "verify", "questions", "fidelity", "view", "graph", "compare")),
    *([verb, "."] for verb in ("report", "verify", "questions", "fidelity", "compare")),
    *(["view", ".", "--export", "page"], ["graph", "."], ["graph", "conversation", "-o", "x.png"]),
    *(["export", "none", "--to", kind, "-o", "x"] for kind in ("inspect", "otel", "tables", "messages", "none")),
    *(["judge", "none", "--judge", NOBODY], ["judge", "none"], ["judge", "/dev/null", "--judge", NOBODY, "--out", "o"]),
    *(["judge", "none", "--judge", NOBODY, "--sample", value] for value in ("0", "-1", HUGE, "x")),
    *(
        ["script", "--profiles", "none", "--out", "o"],
        ["script", "--out", "o"],
        ["script", "--threshold", "9", "--out", "o"],
    ),
    *(["profiles", "build", "--out", "o", "-n", value, "--dry-run"] for value in ("0", "-1", "x")),
    *(["profiles", "build", "--out", "o", "--language", value, "--dry-run"] for value in ("fr", "", "zh,fr")),
    *(["profiles", "show", name] for name in ("none", ".", "shipped:fr", "\u0000")),
    *(["new", kind, name] for kind, name in (("none", "a"), ("scale", "../a"), ("scale", "a b"), ("user", "1"))),
    *(["human", "serve", name, "--out", "o"] for name in ("none.yaml", ".", "/dev/null")),
    *(
        ["human", "report", "none.yaml", "--out", "o"],
        ["serve", "--model", "openai:x"],
        ["serve"],
        ["chat", "--user", "x"],
    ),
    *(
        ["train", "--out", "o"],
        ["train", "--base", "x", "--out", "o"],
        ["reproduce", "none", "--config", "none", "--out", "o"],
    ),
    *(
        ["steer", "sweep", "--out", "o"],
        ["steer", "pairs", "--out", "o", "--situations", "none"],
        ["config", "show", "x"],
    ),
    *(
        ["no-such-verb"],
        ["--no-such-flag"],
        ["corpus", "stats", "none", "x"],
        ["corpus", "import", "none", "x", "-o", "y"],
    ),
]


def refused(folder: Path, words: list[str], told: Callable[[str], bool] = bool) -> None:
    """Run a command that must end in one line: ours, or the parser's."""
    done = cocoon(*words)
    assert done.code in (1, 2), done.out[:500]
    assert done.err.count("cocoon: ") == 1 or "Error: " in done.err or "Invalid value" in done.err, done.err[:500]
    assert told(done.err) and len(done.err) < 6_000
    assert not any(folder.rglob("*.sqlite")), "a run was begun"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("flags", SIMULATE, ids=lambda flags: " ".join(flags)[:60])
def test_a_bad_flag_is_refused(flags: list[str], folder: Path) -> None:
    refused(folder, [*TALK, *flags])


@pytest.mark.parametrize("flags", SPECS, ids=lambda flags: " ".join(flags)[:60])
def test_a_bad_spec_is_refused_before_a_run_is_begun(flags: list[str], folder: Path) -> None:
    refused(folder, ["simulate", "--profiles", "shipped:en", "-n", "1", "--out", "o", *flags])


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option[:60])
def test_a_bad_setting_is_refused(option: str, folder: Path) -> None:
    refused(folder, [*TALK, "-o", option])


@pytest.mark.parametrize("text", YAML.values(), ids=YAML)
def test_a_bad_file_of_settings_is_refused_by_its_name(text: str, folder: Path) -> None:
    (folder / "s.yaml").write_text(text, "utf-8")
    refused(folder, [*TALK, "--config", "s.yaml"], lambda error: "s.yaml" in error)
    refused(folder, ["human", "serve", "s.yaml", "--out", "h"], lambda error: "s.yaml" in error)
    refused(folder, ["judge", "/dev/null", "--out", "j", "--judge", NOBODY, "--scale-file", "s.yaml"])


@pytest.mark.parametrize("text", JSONL.values(), ids=JSONL)
def test_a_bad_file_of_records_is_refused_by_its_name(text: str, folder: Path) -> None:
    (folder / "f.jsonl").write_text(text, "utf-8", errors="surrogatepass")
    refused(folder, ["simulate", "--profiles", "f.jsonl", *TALK[3:]], lambda error: "f.jsonl" in error)
    for verb in (["judge", "f.jsonl", "--judge", NOBODY, "--out", "j"], ["view", "f.jsonl", "--export", "v"]):
        done = cocoon(*verb)
        assert done.code in (0, 1, 2) and done.err.count("cocoon: ") == (done.code == 2), done.err


@pytest.mark.parametrize("corpus", CORPORA)
def test_a_bad_corpus_is_refused_or_read_as_nothing(corpus: str, folder: Path) -> None:
    for name, text in JSONL.items():
        for ending in ("jsonl", "json"):
            file = folder / f"f.{ending}"
            file.write_text(text, "utf-8", errors="surrogatepass")
            done = cocoon("corpus", "import", corpus, str(file), "-o", str(folder / "d.jsonl"))
            assert done.code in (0, 1, 2), name
            assert done.err.count("cocoon: ") == (done.code == 2), f"{name}: {done.err}"


@pytest.mark.parametrize("words", OTHERS, ids=lambda words: " ".join(words)[:60])
def test_a_bad_command_is_refused(words: list[str], folder: Path) -> None:
    refused(folder, words)


def test_there_are_many_of_them() -> None:
    assert len(SIMULATE) + len(SPECS) + len(OPTIONS) + 3 * len(YAML) + len(OTHERS) > 250 and (ROOT / "corpora").is_dir()
