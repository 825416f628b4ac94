"""Loaders of named corpora: what each takes over, on small records in our own words."""

from pathlib import Path

import pytest

from cocoon.core.records import Dialogue
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.corpora.layouts import CORPORA
from cocoon.corpora.profile_loaders import load_foreign_profiles
from cocoon.corpora.reading.repair import RepairReport
from cocoon.tests.corpora.corpus_records import RECORDS, as_lines

ANNOMI = """transcript_id,mi_quality,topic,utterance_id,interlocutor,utterance_text,annotator_id,reflection_exists,\
reflection_subtype,main_therapist_behaviour,client_talk_type
0,high,smoking,0,therapist,You miss it.,3,True,simple,reflection,n/a
0,high,smoking,0,therapist,You miss it.,4,True,complex,reflection,n/a
0,high,smoking,1,client,I do.,3,n/a,n/a,n/a,neutral
2,low,diet,0,therapist,Eat less.,3,False,n/a,other,n/a
"""
HOPE = "ID,Utterance,{act},Type\n1,I feel low today.,id,P\n2,Since when?,irq,T\n"
EMPATHETIC = """conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags
hit:0_conv:1,1,sad,My dog_comma_ my friend_comma_ died.,1,He died_comma_ and I cried.,5|5|5_2|2|5,
hit:0_conv:1,2,sad,My dog_comma_ my friend_comma_ died.,0,I am so sorry.,5|5|5_2|2|5,
hit:0_conv:2,1,proud,I won.,7,I won!,5|5|5_2|2|5,
"""


def read(name: str, file: Path) -> tuple[list[Dialogue], RepairReport]:
    reading = read_corpus(name, file)
    return list(reading.dialogues), reading.report


def put(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


@pytest.mark.parametrize("name", ["annomi", "table"])
def test_an_utterance_that_several_annotators_labelled_is_one_turn(tmp_path: Path, name: str) -> None:
    (first, second), report = read(name, put(tmp_path, "a.csv", ANNOMI))
    assert [(turn.role, turn.content) for turn in first.turns] == [("supporter", "You miss it."), ("user", "I do.")]
    assert first.turns[0].thought and first.turns[0].thought.strategy == "reflection: simple"
    assert (first.id, first.facts, first.profile.scenario) == ("annomi-0", {"mi_quality": "high"}, "smoking")
    assert second.facts == {"mi_quality": "low"} and report.counts["merged"] == 1
    never_read = {"annotator_id": 4, "client_talk_type": 4, "reflection_exists": 4}
    assert report.unread == never_read | {"reflection_subtype": 2}


@pytest.mark.parametrize("act", ["Dialogue_Act", "Dialog_Act", "Dilog_Act"])
def test_a_session_of_hope_is_one_table(tmp_path: Path, act: str) -> None:
    for number in (10, 2):
        put(tmp_path, f"Train/Copy of {number}.csv", HOPE.format(act=act))
    dialogues, report = read("hope", tmp_path)
    assert [dialogue.id for dialogue in dialogues] == ["hope-2", "hope-10"]
    assert [turn.role for turn in dialogues[0].turns] == ["user", "supporter"]
    assert dialogues[0].turns[1].thought and dialogues[0].turns[1].thought.strategy == "irq"
    assert report.unread == {"ID": 4}


def test_the_first_speaker_of_empathetic_dialogues_is_the_user(tmp_path: Path) -> None:
    (first, second), report = read("ED", put(tmp_path, "train.csv", EMPATHETIC))
    assert [(turn.role, turn.content) for turn in first.turns] == [
        ("user", "He died, and I cried."),
        ("supporter", "I am so sorry."),
    ]
    assert (first.profile.emotion, first.profile.feeling) == ("sad", "My dog, my friend, died.")
    assert len(second.turns) == 1 and report.unread == {"selfeval": 3, "tags": 3, "utterance_idx": 3}


def test_every_answer_of_psyqa_is_a_dialogue_with_its_strategies(tmp_path: Path) -> None:
    (dialogue,), report = read("psyqa", put(tmp_path, "a.json", as_lines("psyqa")))
    assert [turn.role for turn in dialogue.turns] == ["user", "supporter"] and dialogue.id == "psyqa-5-1"
    assert dialogue.turns[1].thought and dialogue.turns[1].thought.strategy == "Approval"
    assert dialogue.profile.scenario == "睡眠,情绪" and "answers.has_label" in report.unread


def test_the_instruction_of_psych8k_is_no_speech(tmp_path: Path) -> None:
    (dialogue,), _ = read("psych8k", put(tmp_path, "a.json", as_lines("psych8k")))
    assert [turn.content for turn in dialogue.turns] == ["I keep working late.", "That sounds draining."]
    assert dialogue.facts == {"system": "You are a counselor."}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "dialogues_text.txt",
            "I keep working late. __eou__ That sounds draining. __eou__\nHi . __eou__ Hello . __eou__\n",
        ),
        ("a.jsonl", as_lines("dailydialog")),
    ],
)
def test_everyday_talk_has_no_roles_and_says_so(tmp_path: Path, name: str, text: str) -> None:
    dialogues, report = read("dailydialog", put(tmp_path, name, text))
    assert [turn.role for turn in dialogues[0].turns[:2]] == ["user", "supporter"]
    assert report.counts["relabelled"] == len(dialogues)


def test_a_session_of_patienthub_keeps_what_troubles_its_client(tmp_path: Path) -> None:
    (dialogue,), report = read("patienthub", put(tmp_path, "a.json", as_lines("patienthub")))
    assert [turn.role for turn in dialogue.turns] == ["supporter", "user", "supporter"]
    assert (dialogue.profile.feeling, dialogue.profile.emotion) == ("Her bills are due.", "anxious; sad")
    assert report.unread == {"num_turns": 1, "profile.name": 1}


@pytest.mark.parametrize(
    "character",
    [
        '{"id": "1-1", "situation": "Bills.", "emotion": ["sad"], "history": "She is alone."}',
        '{"description": "Bills."}',
        '{"basic_profile": {"situation": "Bills."}}',
        '{"profile": {"problem_formulation": {"presenting_problem": {"situation": "Bills."}}}}',
    ],
)
def test_characters_of_patienthub_become_profiles_without_a_need(tmp_path: Path, character: str) -> None:
    (profile,), report = load_foreign_profiles("patienthub", put(tmp_path, "a.json", f"[{character}]"))
    assert (profile.feeling, profile.need, report.kept) == ("Bills.", None, 1)
    assert [memory.text for memory in profile.memory] == (["She is alone."] if "history" in character else [])


NOT_BY_THEMSELVES = {"esconv-failed": "esconv", "soulchat": "messages", "psydt": "messages"}


@pytest.mark.parametrize("name", RECORDS)
def test_a_file_of_every_corpus_is_known_by_its_records(tmp_path: Path, name: str) -> None:
    _, report = read("table", put(tmp_path, "a.jsonl", as_lines(name)))
    assert report.kind == NOT_BY_THEMSELVES.get(name, name)
    assert CORPORA[report.kind].source in report.taken_for[0]
