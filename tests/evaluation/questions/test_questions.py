"""Question detection: the labelled set, hard cases by hand, properties over any text, the ratio, the command."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cocoon.benchmarks.evaluation.questions import (
    Score,
    confusion,
    genuine_score,
    labelled,
    main,
    score,
    supporter_turns,
    without_marks,
)
from cocoon.cli.reports.questions import questions_command as questions_command
from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue, Language, Profile, Turn
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.evaluation.questions.detection import (
    asks,
    classify,
    count_questions,
    pooled,
    question_ratio,
    questions,
    sentences,
)
from cocoon.evaluation.questions.records import QUESTION_TYPES, QuestionStats

LANGUAGES: tuple[Language, ...] = get_args(Language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("marked", "lowest"), [(True, 0.95), (False, 0.90)])
@pytest.mark.parametrize("split", ["development", "held_out", None])
def test_questions_of_the_labelled_set_are_found(
    language: Language, marked: bool, lowest: float, split: str | None
) -> None:
    some = [one for one in labelled(language) if one.marked == marked and split in (None, one.split)]
    found = genuine_score(confusion(some, language)).f1
    assert found is not None and found >= lowest


@pytest.mark.parametrize("language", LANGUAGES)
def test_types_of_the_labelled_set_are_told_apart(language: Language) -> None:
    counts = confusion(labelled(language), language)
    assert sum(counts[kind, kind] for kind in QUESTION_TYPES) >= 0.95 * counts.total()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_labelled_set_is_as_its_guideline_says(language: Language) -> None:
    every = labelled(language)
    assert len(every) >= 400 and len({one.text for one in every}) == len(every)
    assert abs(2 * sum(one.marked for one in every) - len(every)) <= 2
    assert {one.type for one in every} == set(QUESTION_TYPES)
    assert not [one.text for one in every if not one.marked and ("?" in one.text or "？" in one.text)]
    assert {one.source.partition(":")[0] for one in every} <= {"own", "smile", "cpsycounD"}


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("What made you leave?", "open"),
        ("what made you leave", "open"),
        ("I know what made you leave.", "none"),
        ("What made you leave was fear.", "none"),
        ("So, did it help", "closed"),
        ("Did my best.", "none"),
        ("You left early?", "closed"),
        ("You left early.", "none"),
        ("You left early, didn't you", "tag"),
        ("you don ' t like it , do you ?", "tag"),
        ("Who wouldn't be tired?", "rhetorical"),
        ("Tell me what he did.", "probe"),
        ("Can you tell me what he did?", "open"),
        ("Who did you tell?", "closed"),
        ("Tea or coffee?", "closed"),
        ('She said, "Where were you?"', "reported"),
        ("How was it when she said “go away”?", "open"),
        ("I wonder how you felt then.", "open"),
        ("I wonder if you felt alone.", "open"),
        ("And you?", "open"),
        ("?", "closed"),
        ("...", "none"),
        ("", "none"),
        ("I know you have been going to the class and how's that going?", "open"),
        ("You told them on Friday and how did they take it", "open"),
        ("I know what he did and how that felt.", "none"),
        ("I see what she wants and what's hard about it is the waiting.", "none"),
        ("I'm just kind of wondering where you are with all of this.", "open"),
    ],
)
def test_english_by_hand(sentence: str, expected: str) -> None:
    assert classify(sentence, "en") == expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("你为什么要走？", "open"),
        ("你为什么要走", "open"),
        ("我知道你为什么要走", "none"),
        ("你害怕什么", "open"),
        ("我明白你害怕什么", "none"),
        ("没什么大事", "none"),
        ("他怎么做我就怎么做", "none"),
        ("你觉得好些了吗", "closed"),
        ("她问我好些了吗", "reported"),
        ("你是想走还是想留", "closed"),
        ("我还是想留下", "none"),
        ("你有没有告诉她", "closed"),
        ("我不知道有没有用", "none"),
        ("你很想她，对吧", "tag"),
        ("我们慢慢来吧", "none"),
        ("难道我错了吗？", "rhetorical"),
        ("谁不想被人懂呢", "rhetorical"),
        ("能跟我说说吗", "open"),
        ("跟我说说吧", "probe"),
        ("你今年几岁", "closed"),
        ("以下几点很重要", "none"),
        ("你呢", "open"),
        ("我还没睡呢", "none"),
        ("她说：“你去哪儿了？”", "reported"),
        ("我想知道你那时候怎么想。", "open"),
        ("我在想自己是不是错了。", "none"),
        ("那么，明天见。", "none"),
    ],
)
def test_chinese_by_hand(sentence: str, expected: str) -> None:
    assert classify(sentence, "zh") == expected


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Dr. Lee called at 3.5 hours. Why?", "en", ["Dr. Lee called at 3.5 hours.", "Why?"]),
        ("I just... I don't know. Are you ok?! Yes.", "en", ["I just... I don't know.", "Are you ok?!", "Yes."]),
        ("It was hers. Is it mine", "en", ["It was hers.", "Is it mine"]),
        ('He asked "Are you done? Go." and left. I stayed', "en", None),
        ('"It hurts. What now?"', "en", ['"It hurts.', 'What now?"']),
        ("yes.What now", "en", ["yes.", "What now"]),
        ("我……我不知道。你呢？？好的 我们走", "zh", ["我……我不知道。", "你呢？？", "好的", "我们走"]),
        ("他问：“你为什么哭？你怕什么？”我没回答。", "zh", ["他问：“你为什么哭？你怕什么？”我没回答。"]),
        ("你 还 好 吗 ？ 我 在 。", "zh", ["你 还 好 吗 ？", "我 在 。"]),
        ("累。\n\n？", "zh", ["累。？"]),
        ("   ", "zh", []),
    ],
)
def test_sentences_by_hand(text: str, language: Language, expected: list[str] | None) -> None:
    wanted = ['He asked "Are you done? Go." and left.', "I stayed"] if expected is None else expected
    assert sentences(text, language) == wanted


TEXTS = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="我你吗呢吧什么为是不 ，。？！“”：…\nwhy you do.?!\"' ,", max_size=80),
)


@given(TEXTS, st.sampled_from([*LANGUAGES, None]))
def test_sentences_are_the_text_but_for_white_space(text: str, language: Language | None) -> None:
    found = sentences(text, language)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(one and one == one.strip() for one in found)


@given(TEXTS, st.sampled_from(LANGUAGES), st.sampled_from(["", " ", "\n", " \t ", "\u3000"]))
def test_every_text_has_a_type_whatever_spaces_follow(text: str, language: Language, space: str) -> None:
    assert classify(text + space, language) == classify(text, language)
    assert classify(text, language) in QUESTION_TYPES


@given(st.sampled_from(LANGUAGES), st.data())
def test_a_turn_asks_when_one_of_its_sentences_does(language: Language, data: st.DataObject) -> None:
    complete = [one for one in labelled(language) if one.marked and one.text[-1] in "。？?.!"]
    some = data.draw(st.lists(st.sampled_from(complete), max_size=3))
    text = "\n".join(one.text for one in some)
    assert asks(text, language) == any(one.genuine for each in some for one in questions(each.text, language))


def test_the_language_is_told_by_script() -> None:
    assert [one.type for one in questions("你还好吗")] == ["closed"]
    assert [one.type for one in questions("are you ok")] == ["closed"]


def spoken(*contents: tuple[str, str, list[str]]) -> list[Turn]:
    return [Turn.model_validate({"role": role, "content": text, "calls": calls}) for role, text, calls in contents]


RUN = spoken(
    ("supporter", "Are you sad today?", []),
    ("user", "Why do you ask?", ["k1"]),
    ("supporter", "You look tired. Is it the work? Or the people?", ["k2"]),
    ("user", "Both.", ["k3"]),
    ("supporter", "Who wouldn't be tired after that?", ["k4"]),
    ("user", "True.", ["k5"]),
    ("supporter", "did you sleep", ["k6"]),
)


def test_the_ratio_leaves_out_the_fixed_opening_and_rhetorical_questions() -> None:
    stats = question_ratio(RUN, "en")
    assert (stats.turns, stats.asking_turns, stats.marked_turns) == (3, 2, 2)
    assert stats.ratio == pytest.approx(2 / 3) and stats.mark_share == pytest.approx(2 / 3)
    counted = {kind: count for kind, count in stats.types.items() if count}
    assert counted == {"none": 1, "closed": 3, "rhetorical": 1}
    assert stats.sentence_share == pytest.approx(3 / 5)
    assert question_ratio(RUN, "en", "user").ratio == pytest.approx(1 / 3)


def test_an_opening_counts_when_nothing_says_that_it_was_fixed() -> None:
    corpus = [turn.model_copy(update={"calls": []}) for turn in RUN]
    assert question_ratio(corpus, "en").turns == 4
    generated = [RUN[0].model_copy(update={"calls": ["k0"]}), *RUN[1:]]
    assert question_ratio(generated, "en").asking_turns == 3


def test_no_turns_have_no_ratio() -> None:
    stats = question_ratio(RUN[:2], "en")
    assert (stats.turns, stats.ratio, stats.sentence_share, stats.mark_share) == (0, None, None, None)


def test_pooled_counts_are_those_of_all_turns_together() -> None:
    texts = [["What now?", "I see."], [], ["对吗？"]]
    assert pooled(map(count_questions, texts)) == count_questions([text for some in texts for text in some])
    assert pooled([]) == QuestionStats.model_validate(count_questions([]).model_dump())


def test_the_score_is_worked_by_hand() -> None:
    found = score([(True, True)] * 6 + [(False, True)] * 2 + [(True, False)] * 4 + [(False, False)] * 9)
    assert found == Score(6, 2, 4)
    assert (found.precision, found.recall) == (0.75, 0.6)
    assert found.f1 == pytest.approx(2 * 0.75 * 0.6 / 1.35)
    assert (Score(0, 0, 0).f1, Score(0, 0, 0).precision) == (None, None)


@pytest.mark.parametrize(("marked", "bare"), [("真的吗？", "真的吗"), ("Why?!", "Why"), ('"Why?"', '"Why"')])
def test_final_marks_are_taken_away(marked: str, bare: str) -> None:
    assert without_marks(marked) == bare


def write(path: Path, *values: Any) -> Path:
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values), "utf-8")
    return path


def test_the_benchmark_reads_strategies_and_says_what_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "multiesc_esconv").mkdir()
    turns = [
        {"speaker": "sys", "text": "hi .", "strategy": "Greeting", "all_strategy": ["Greeting", "Question"]},
        {"speaker": "usr", "text": "why ?"},
        {"speaker": "sys", "text": "how are you ?", "strategy": "Question"},
    ]
    path = write(tmp_path / "multiesc_esconv" / "valid.jsonl", {"dialog": turns})
    assert list(supporter_turns(path)) == [(True, "hi ."), (True, "how are you ?")]
    main(["--data", str(tmp_path), "--wrong"])
    printed = capsys.readouterr().out
    assert "ppdpp_esconv: not there, skipped" in printed
    assert "P 1.000 R 0.500 F1 0.667" in printed


def invoke(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(questions_command)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_reads_our_dialogues(tmp_path: Path) -> None:
    profile = Profile(id="p", language="en", feeling="tired")
    dialogue = Dialogue(id="d1", profile=profile, supporter="listen", language="en", turns=RUN)
    file = write(tmp_path / "dialogues.jsonl", dialogue.model_dump(mode="json"))
    made = json.loads(invoke(str(file), "--json", "--sentences"))
    assert made["ratio"] == pytest.approx(2 / 3) and made["dialogues"] == 1
    assert made["roles"]["user"]["types"]["open"] == 1
    assert [row["turn"] for row in made["sentences"]] == [1, 2, 2, 4, 6]
    assert invoke(str(tmp_path), "--role", "user").splitlines()[1] == "user: question ratio 33.3% (1 of 3 turns)"


MESSAGES = [
    {"role": "system", "content": "Be kind. Do you see?"},
    {"role": "assistant", "content": "你好吗？"},
    {"role": "user", "content": "还行。"},
]


@pytest.mark.parametrize("shape", [[{"messages": MESSAGES}], [MESSAGES], MESSAGES, [{"id": "x", "dialog": MESSAGES}]])
def test_the_command_reads_other_shapes(tmp_path: Path, shape: list[Any]) -> None:
    for name, values in (("a.jsonl", shape), ("b.json", [shape])):
        file = write(tmp_path / name, *values)
        (dialogue,) = read_corpus("table", file).dialogues
        assert [turn.role for turn in dialogue.turns] == ["supporter", "user"] and dialogue.language == "zh"
        assert "supporter: question ratio 100.0% (1 of 1 turns)" in invoke(str(file))
        assert json.loads(invoke(str(file), "--json", "--role", "user"))["ratio"] == 0


def test_a_dialogue_without_supporter_turns_has_no_ratio(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", {"role": "user", "content": "Hi"})
    assert json.loads(invoke(str(file), "--json"))["ratio"] is None
    assert "supporter: question ratio - (0 of 0 turns)" in invoke(str(file))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"role": "narrator", "content": "x"}, "'narrator' is not a known role"),
        ({"role": "user"}, "turn 1: must be a text"),
        ({"turns": 5}, "key 'turns': must be a list"),
        ([5], "turn 1: must be an object"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_place(tmp_path: Path, value: Any, said: str) -> None:
    file = write(tmp_path / "a.jsonl", MESSAGES, value)
    with pytest.raises(CocoonError, match=r"a\.jsonl, line 2") as caught:
        list(read_corpus("table", file).dialogues)
    assert said in str(caught.value)
