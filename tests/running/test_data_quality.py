"""Judging samples of corpora (Tables 2 and 6): what is drawn, corpora side by side, and bare-number scorers."""

import asyncio
import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from cocoon.core.config import JudgeConfig, StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, read_records
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Dialogue, Rating
from cocoon.evaluation.scales.scoring import load_scale, read_value, shipped_scales
from cocoon.models.by_name import Models
from cocoon.models.scripted import ScriptedChat
from cocoon.running.folder import adopt_dialogues, read_run
from cocoon.running.sample import adopt_sample, read_sample
from cocoon.running.session import assess
from cocoon.running.study import Study
from cocoon.tests.commands import cocoon, endpoint, said, server
from cocoon.tests.reports.report_cases import dialogue

METRICS = ["Fluency", "Diversity", "Empathy", "Information", "Humanoid", "Skillful"]


def corpus(folder: Path, name: str, size: int) -> Path:
    """A file of dialogues as an import writes them: of no need, their supporter the corpus' name."""
    file = folder / f"{name}.jsonl"
    some = [dialogue(f"{name}-{number}", need=None, supporter=name, source=name) for number in range(size)]
    for number, one in enumerate(some):
        # Of dialogues that are alike, a judge at temperature 0 is asked once.
        one.turns[1].content = f"I am number {number}"
    file.write_bytes(b"".join(map(dump_line, some)))
    return file


def ids(run: Path) -> list[str]:
    return [one.id for one in read_records(run / "dialogues.jsonl", Dialogue)]


# What is drawn.


def test_a_sample_is_drawn_by_its_seed_and_recorded(tmp_path: Path) -> None:
    files = [corpus(tmp_path, "smile", 40), corpus(tmp_path, "esconv", 5)]
    run = adopt_sample(files, tmp_path / "run", 10, seed=3)
    again = adopt_sample(files, tmp_path / "again", 10, seed=3)
    other = adopt_sample(files, tmp_path / "other", 10, seed=4)
    assert ids(run) == ids(again) != ids(other)
    assert Counter(name.partition("-")[0] for name in ids(run)) == {"smile": 10, "esconv": 5}
    assert len(set(ids(run))) == 15
    sample = read_sample(run)
    assert sample is not None and (sample.size, sample.seed) == (10, 3)
    assert [(one.file, one.dialogues, one.drawn) for one in sample.files] == [
        ("smile.jsonl", 40, 10),
        ("esconv.jsonl", 5, 5),
    ]
    assert sample.files[0].sha256 == hashlib.sha256(files[0].read_bytes()).hexdigest()
    assert sample.one_line() == "10 of 40 in smile.jsonl; 5 of 5 in esconv.jsonl (seed 3)"


def test_what_stands_beside_a_file_does_not_change_its_draw(tmp_path: Path) -> None:
    smile, esconv = corpus(tmp_path, "smile", 40), corpus(tmp_path, "esconv", 30)
    alone = adopt_sample([smile], tmp_path / "alone", 10, seed=3)
    both = adopt_sample([esconv, smile], tmp_path / "both", 10, seed=3)
    assert ids(alone) == [name for name in ids(both) if name.startswith("smile")]


def test_every_dialogue_is_as_likely_as_any_other(tmp_path: Path) -> None:
    """300 seeds, 5 of 20: each 75 times, with a standard deviation of 7.5."""
    file = corpus(tmp_path, "smile", 20)
    counts = Counter(
        name for seed in range(300) for name in ids(adopt_sample([file], tmp_path / f"run{seed}", 5, seed=seed))
    )
    assert len(counts) == 20 and all(40 < count < 110 for count in counts.values())


def test_another_sample_does_not_go_into_the_same_folder(tmp_path: Path) -> None:
    file = corpus(tmp_path, "smile", 40)
    adopt_sample([file], tmp_path / "run", 10, seed=0)
    adopt_sample([file], tmp_path / "run", 10, seed=0)
    with pytest.raises(CocoonError, match="has other dialogues"):
        adopt_sample([file], tmp_path / "run", 10, seed=1)
    sample = read_sample(tmp_path / "run")
    assert sample is not None and sample.seed == 0


def test_errors_of_samples_say_what_to_do(tmp_path: Path) -> None:
    file, empty = corpus(tmp_path, "smile", 3), tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    with pytest.raises(CocoonError, match="name a folder for its ratings with --out"):
        adopt_sample([file], None, 2)
    with pytest.raises(CocoonError, match=r"'smile-0' is in .*smile.jsonl too; ids must differ"):
        adopt_sample([file, file], tmp_path / "run", None)
    with pytest.raises(CocoonError, match="has no dialogue"):
        adopt_sample([empty], tmp_path / "run", 2)
    file.write_bytes(file.read_bytes() + b'{"id": 1}\n')
    with pytest.raises(CocoonError, match=r"smile\.jsonl, line 4: "):
        adopt_sample([file], tmp_path / "run", None)
    refused = cocoon("judge", str(tmp_path), str(file), "--judge", "x:y", "--sample", "2")
    assert refused.code == 2 and "is no file of dialogues" in refused.err


# Corpora side by side, over HTTP.


def test_two_corpora_are_judged_and_stand_beside_the_paper(tmp_path: Path) -> None:
    files = [str(corpus(tmp_path, "smile", 12)), str(corpus(tmp_path, "esconv", 9))]
    run = tmp_path / "run"
    with endpoint() as spec:
        given = (*files, "--sample", "4", "--seed", "1", "--out", str(run), "--judge", spec)
        assert cocoon("judge", *given, "--scales", "basic,comfort,rac").code == 0
        again = cocoon("judge", *given, "--scales", "basic,comfort,rac", "--json")
    assert again.code == 0 and again.json["calls"] == 0
    ratings = list(read_run(run, "ratings.jsonl", Rating))
    assert Counter(one.scale for one in ratings) == {"basic": 8, "comfort": 8, "rac": 8}
    assert {one.prompt_id for one in ratings} == {"judge/scale_no_need@2"}
    rows = cocoon("report", str(run), "--like", "table2", "--json").json["tables"]["like_paper"]["rows"]
    ours = [row for row in rows if row["Source"] == "ours"]
    assert [(row["Supporter"], row["Prompts"]) for row in ours] == [
        ("esconv", "without need"),
        ("smile", "without need"),
    ]
    shown = [row["measures"][name] for row in ours for name in ("Flu", "Man")]
    # The endpoint answers null to some items.
    assert all(value["n"] and value["n"] + value["missing"] == 4 for value in shown)
    assert {row["Supporter"] for row in rows if row["Source"] == "paper"} >= {"SMILE", "ESConv", "COCOON"}
    facts = cocoon("report", str(run), "--json").json["facts"]
    assert facts["Drawn"] == "4 of 12 in smile.jsonl; 4 of 9 in esconv.jsonl (seed 1)"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_profile_of_which_nothing_is_known_is_not_in_the_prompt(language: Any) -> None:
    prompt = load_prompt("judge/scale_no_need", language)
    blank: dict[str, Any] = {"instruction": "i", "items": [], "anchors": [], "low": 1, "high": 7, "numbered": "t"}
    assert "profile>" not in prompt.render(**blank, emotion="", feeling="")
    known = prompt.render(**blank, emotion="sad", feeling="alone")
    block = known.partition("<profile>\n")[2].partition("\n</profile>")[0]
    assert [line.endswith(word) for line, word in zip(block.split("\n"), ("sad", "alone"), strict=True)] == [True, True]
    assert prompt.render(**blank, emotion="", feeling="alone").count("alone\n</profile>") == 1


# A scorer that answers a bare number, one metric a call.


@pytest.mark.parametrize(
    ("reply", "value", "reason"),
    [
        *((str(one), one, "") for one in range(5)),
        (" 3\n", 3, ""),
        ("3.0", None, "not one of 0, 1, 2, 3, 4"),
        ("5", None, "not one of 0, 1, 2, 3, 4"),
        ("-1", None, "not one of 0, 1, 2, 3, 4"),
        ("03", None, "not one of 0, 1, 2, 3, 4"),
        ("Score: 4 (out of 10)", None, "not one of 0, 1, 2, 3, 4"),
        ("4分", None, "not one of 0, 1, 2, 3, 4"),
        ("３", None, "not one of 0, 1, 2, 3, 4"),
        ("", None, "empty reply"),
        ("  \n", None, "empty reply"),
    ],
)
def test_a_bare_reply_is_one_of_the_values_or_missing(reply: str, value: int | None, reason: str) -> None:
    assert read_value(load_scale("esc_rank"), reply) == (value, reason)


def asked_for(text: str) -> str:
    """The metric that a prompt asks for."""
    return next(metric for metric in METRICS if f"{metric}: " in text)


def judged(run: Path, chat: ScriptedChat, **settings: Any) -> list[Rating]:
    config = StudyConfig(judge=JudgeConfig(model="scorer", scales=["esc_rank"], **settings))
    study = Study(config, Models())
    study.models.wrap("scorer", chat)
    asyncio.run(assess(study, run))
    return list(read_run(run, "ratings.jsonl", Rating))


def test_each_metric_is_asked_for_alone_and_an_unreadable_reply_is_missing(tmp_path: Path) -> None:
    replies = dict(zip(METRICS, ["3", "4", "three", "0", "", "2"], strict=True))

    def script(messages: list[BaseMessage], _: dict[str, Any]) -> str:
        return replies[asked_for(str(messages[0].content))]

    run = adopt_dialogues(corpus(tmp_path, "smile", 2), tmp_path / "run")
    chat = ScriptedChat(script=script)
    made = judged(run, chat)
    assert len(chat.seen) == 12 and len(made) == 2
    for one in made:
        assert list(one.dimensions.values()) == [75, 100, None, 0, None, 50]
        assert one.missing == {"3": "not one of 0, 1, 2, 3, 4", "5": "empty reply"}
        assert one.items == {"1": 3, "2": 4, "3": None, "4": 0, "5": None, "6": 2} and len(one.calls) == 6
    texts = [str(messages[0].content) for messages in chat.seen]
    assert all(sum(f"{metric}: " in text for metric in METRICS) == 1 for text in texts)
    assert judged(run, chat) == made and len(chat.seen) == 12


def test_a_model_per_dimension_is_asked_for_its_own(tmp_path: Path) -> None:
    """Six served adapters behind one address, each knowing one metric; the seventh name is in no request."""
    seen: list[tuple[str, str]] = []
    values = {"fluency": 3, "diversity": 1, "empathy": 4, "information": 0, "humanoid": 2, "skillful": 3}

    def answer(request: dict[str, Any]) -> tuple[int, Any]:
        name = request["model"].removeprefix("esc-")
        seen.append((name, asked_for(request["messages"][0]["content"]).lower()))
        assert request["max_completion_tokens" if "max_completion_tokens" in request else "max_tokens"] == 8
        return said(str(values[name]))

    file, run = corpus(tmp_path, "smile", 3), tmp_path / "run"
    with server(answer) as spec:
        judge = f"{spec.partition('#')[0]}#esc-{{dimension}}"
        done = cocoon("judge", str(file), "--sample", "1", "--out", str(run), "--judge", judge, "--scales", "esc_rank")
        assert done.code == 0, done.err
        refused = cocoon("judge", str(run), "--judge", judge, "--scales", "esc_rank,basic")
    assert sorted(seen) == sorted((name, name) for name in values)
    (rating,) = read_run(run, "ratings.jsonl", Rating)
    assert rating.judge == judge and rating.dimensions == {name: 25 * value for name, value in values.items()}
    assert refused.code == 2 and "'basic' is asked as a whole" in refused.err
    rows = cocoon("report", str(run), "--like", "table6", "--json").json["tables"]["like_paper"]["rows"]
    ours = next(row for row in rows if row["Source"] == "ours")
    assert [ours["measures"][one]["value"] for one in ("Flu", "Div", "Emp", "Inf", "Hum", "Skil")] == [
        75,
        25,
        100,
        0,
        50,
        75,
    ]


def test_votes_of_a_bare_number_scorer_at_temperature_0_are_refused(tmp_path: Path) -> None:
    file = corpus(tmp_path, "smile", 1)
    given = (
        "--judge",
        "scripted:x",
        "--scales",
        "esc_rank",
        "--votes",
        "2",
        "--permute",
        "--out",
        str(tmp_path / "run"),
    )
    refused = cocoon("judge", str(file), *given)
    assert refused.code == 2 and "no items to permute" in refused.err


def test_the_estimate_counts_a_call_an_item(tmp_path: Path) -> None:
    file = corpus(tmp_path, "smile", 3)
    given = (str(file), "--out", str(tmp_path / "run"), "--judge", "openai:x", "--dry-run", "--json")
    counted = [cocoon("judge", *given, "--scales", scales).json["calls"] for scales in ("esc_rank", "basic,success")]
    assert counted == [3 * 6, 3 * 3]


def test_the_hash_of_scales_that_ask_as_before_has_not_moved() -> None:
    """Ratings made before `ask` was there are still recognised."""
    for name in shipped_scales():
        scale = load_scale(name)
        if scale.ask == "together":
            content = json.dumps(scale.model_dump(mode="json", exclude={"ask"}), ensure_ascii=False, sort_keys=True)
            assert scale.sha == hashlib.sha256(content.encode()).hexdigest()[:12]
    changed = load_scale("esc_rank").model_copy(update={"ask": "together"})
    assert changed.sha != load_scale("esc_rank").sha


@pytest.mark.slow
def test_the_embedded_model_gives_values_or_misses(shallow_model: None, tmp_path: Path) -> None:
    file, run = corpus(tmp_path, "smile", 3), tmp_path / "run"
    given = ("--sample", "1", "--out", str(run), "--judge", "local:smollm2", "--scales", "esc_rank")
    assert cocoon("judge", str(file), *given).code == 0
    (rating,) = read_run(run, "ratings.jsonl", Rating)
    assert len(rating.calls) == 6
    for item, value in rating.items.items():
        reasons = "not one of|empty|the reply was cut|forced"
        assert (value in range(5)) if value is not None else re.match(reasons, rating.missing[item])
