"""How much of a dialogue's prompts a server's prefix cache can hold: what a call begins with like an earlier one."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cocoon.core.jsonl import dump_line, read_lines
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.models.journal.reader import opened_journal
from cocoon.tests.commands import cocoon
from cocoon.tests.conversations import ROOT
from cocoon.tests.counted import CountingServer, counting_server

DATA = ROOT.parent / "shared" / "data"
REAL = {"esconv": "multiesc_esconv/valid.jsonl", "smile": "smile/smilechat_sample1228.jsonl"}
NEED = "to be understood without having to explain everything"


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingServer]:
    monkeypatch.setenv("COCOON_API_KEY", "none")
    with counting_server() as server:
        yield server


def prompts_of(run: Path, dialogue: str, node: str) -> list[str]:
    """The prompts of a dialogue whose node begins so, each as one text, in the order in which they were answered."""
    with opened_journal(run / "journal.sqlite") as journal:
        assert journal is not None
        calls = [call for call in journal.calls(dialogue) if call.entry.place.node.startswith(node)]
        texts = journal.texts(sha for call in calls for _, sha in call.request)
    return ["".join(f"{role}\n{texts[sha]}\n" for role, sha in call.request) for call in calls]


def shared(prompts: Sequence[str]) -> list[float]:
    """Of every prompt but the first, the share with which an earlier one began as well."""
    return [
        max(_common(prompt, earlier) for earlier in prompts[:number]) / len(prompt)
        for number, prompt in enumerate(prompts)
        if number
    ]


def _common(first: str, second: str) -> int:
    return next(
        (n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize("corpus", REAL)
def test_judges_of_a_real_dialogue_share_most_of_their_prompts(
    counting: CountingServer, tmp_path: Path, corpus: str
) -> None:
    file = DATA / REAL[corpus]
    if not file.exists():
        pytest.skip(f"needs {REAL[corpus]} (not redistributed) in ../shared/data")
    dialogues = list(read_corpus(corpus, file, 20).dialogues)
    with_need = [one.model_copy(update={"profile": one.profile.model_copy(update={"need": NEED})}) for one in dialogues]
    (tmp_path / "talks.jsonl").write_bytes(b"".join(map(dump_line, with_need)))
    run = tmp_path / "run"
    done = cocoon("judge", str(tmp_path / "talks.jsonl"), "--out", str(run), "--judge", counting.spec)
    assert done.code == 0, done.err
    shares = [mean(shared(prompts_of(run, one.id, "judge:"))) for one in dialogues]
    assert len(shares) == 20 and mean(shares) >= 0.6


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", ["guarded", "prompted"])
def test_calls_of_a_simulated_user_share_most_of_their_prompts(
    counting: CountingServer, tmp_path: Path, kind: str, language: str
) -> None:
    run = tmp_path / "run"
    done = cocoon(
        *("simulate", "--profiles", f"shipped:{language}", "-n", "4", "--user-kind", kind, "-o", "form_pairs=0"),
        *("--user", counting.spec, "--supporter", counting.spec, "--out", str(run)),
    )
    assert done.code == 0, done.err
    names = [line["id"] for _, line in read_lines(run / "dialogues.jsonl")]
    for node in ("user", "appraise") if kind == "guarded" else ("user",):
        shares = [share for name in names for share in shared(prompts_of(run, name, node))]
        assert mean(shares) >= 0.85
