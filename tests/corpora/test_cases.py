"""Layouts that were misread, lost in silence, or refused with wrong advice, each as a small file."""

import json
from pathlib import Path
from typing import Any

import pytest

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_records
from cocoon.core.records import Dialogue
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.tests.commands import Done, cocoon
from cocoon.training.config import DataConfig
from cocoon.training.data.labels import messages_of
from cocoon.training.data.rows import read_rows

LATE, COLD, WARM = "My train was late again.", "So what.", "That sounds tiring."


def lines(folder: Path, *records: Any) -> Path:
    file = folder / "file.jsonl"
    file.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), "utf-8")
    return file


def messages(*words: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[number % 2], "content": text} for number, text in enumerate(words)]


def imported(folder: Path, file: Path, *arguments: str, name: str = "table") -> tuple[list[Dialogue], Done]:
    out = folder / "d.jsonl"
    done = cocoon("corpus", "import", name, str(file), "-o", str(out), "--json", "--force", *arguments)
    return (list(read_records(out, Dialogue)) if out.exists() else []), done


def spoken(dialogue: Dialogue) -> list[str]:
    return [turn.content for turn in dialogue.turns]


@pytest.mark.parametrize("name", ["table", "messages", "kto"])
def test_a_rejected_reply_of_a_kto_file_is_preference_data_and_no_speech(tmp_path: Path, name: str) -> None:
    rows = [
        {"messages": messages(LATE, COLD), "label": False},
        {"messages": messages(LATE, WARM), "label": True},
    ]
    (bad, good), done = imported(tmp_path, lines(tmp_path, *rows), name=name)
    assert (spoken(bad), spoken(good)) == ([LATE], [LATE, WARM])
    assert bad.preference and [turn.content for turn in bad.preference.rejected] == [COLD]
    assert good.preference and (good.preference.first, good.preference.rejected) == (1, [])
    assert done.json["repairs"]["kept_apart"] == 1 and "rejected reply" in done.err
    assert name != "table" or "this is a KTO file" in done.err
    corpus = read_rows([str(tmp_path / "d.jsonl")], DataConfig(validation=0.0), seed=1)
    assert [spoken(dialogue) for dialogue in corpus.train] == [[LATE, WARM]]


LAST = {"from": "human", "value": LATE}
DPO_FORMS: list[dict[str, Any]] = [
    {"conversations": [LAST], "chosen": {"from": "gpt", "value": WARM}, "rejected": {"from": "gpt", "value": COLD}},
    {"prompt": LATE, "chosen": WARM, "rejected": COLD},
    {"prompt": messages(LATE), "chosen": messages("", WARM)[1:], "rejected": messages("", COLD)[1:]},
    {"chosen": messages(LATE, WARM), "rejected": messages(LATE, COLD)},
    {"prompt": LATE, "chosen": messages(LATE, WARM), "rejected": messages(LATE, COLD)},
    {"chosen": f"\n\nHuman: {LATE}\n\nAssistant: {WARM}", "rejected": f"\n\nHuman: {LATE}\n\nAssistant: {COLD}"},
    {"messages": messages(LATE, WARM), "rejected_response": COLD},
    {"instruction": LATE, "input": "", "chosen": WARM, "rejected": COLD},
]


@pytest.mark.parametrize("row", DPO_FORMS)
def test_the_chosen_reply_of_a_dpo_file_is_the_last_turn_and_the_rejected_one_is_kept(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    (dialogue,), done = imported(tmp_path, lines(tmp_path, row))
    assert spoken(dialogue) == [LATE, WARM] and dialogue.preference is not None
    assert (dialogue.preference.first, [turn.content for turn in dialogue.preference.rejected]) == (1, [COLD])
    assert done.json["repairs"]["kept_apart"] == 1 and "this is a DPO file" in done.err
    assert done.json["unread"] == {}


@pytest.mark.parametrize("label", [3, 0, "false"])
def test_a_label_that_is_no_truth_value_is_a_fact_unless_the_file_is_said_to_be_kto(tmp_path: Path, label: Any) -> None:
    file = lines(tmp_path, {"messages": messages(LATE, COLD), "label": label})
    (dialogue,), done = imported(tmp_path, file)
    assert (spoken(dialogue), dialogue.facts, dialogue.preference) == ([LATE, COLD], {"label": label}, None)
    assert (label == 3) == ("import it as kto" not in done.err)
    (dialogue,), _ = imported(tmp_path, file, name="kto")
    assert spoken(dialogue) == ([LATE, COLD] if label == 3 else [LATE])


@pytest.mark.parametrize("label", [False, 0, "0", "False"])
def test_a_completion_with_any_spelling_of_no_is_rejected(tmp_path: Path, label: Any) -> None:
    (dialogue,), _ = imported(tmp_path, lines(tmp_path, {"prompt": LATE, "completion": COLD, "label": label}))
    assert spoken(dialogue) == [LATE] and dialogue.preference is not None


def test_every_key_that_nobody_read_is_counted_and_named(tmp_path: Path) -> None:
    rich = {"messages": messages(LATE, WARM), "safety_flag": "none", "rating": [4, 5], "images": ["x.png"]}
    odd = {"messages": [{**turn, "score": {"a": 1}} for turn in messages(LATE, WARM)], "rating": []}
    _, done = imported(tmp_path, lines(tmp_path, rich, odd))
    assert done.json["unread"] == {"messages.score": 2, "rating": 2, "images": 1, "safety_flag": 1}
    assert "keys that were not read: messages.score (2), rating (2), images (1), safety_flag (1)" in done.err
    ledger = json.loads((tmp_path / "d.ledger.json").read_text("utf-8"))
    assert ledger["unread"] == done.json["unread"] and (ledger["read"], ledger["kept"]) == (2, 2)


def test_a_list_of_text_parts_is_read_as_text(tmp_path: Path) -> None:
    for part in ({"type": "text", "text": LATE}, {"type": "input_text", "text": LATE}, {"text": {"value": LATE}}, LATE):
        row = {"messages": [{"role": "user", "content": [part]}, messages("", WARM)[1]]}
        (dialogue,), _ = imported(tmp_path, lines(tmp_path, row))
        assert spoken(dialogue) == [LATE, WARM]


@pytest.mark.parametrize("part", [3, None, {}, {"type": "text"}, {"type": "text", "text": 3}, {"words": LATE}])
def test_a_part_that_is_none_is_named(tmp_path: Path, part: Any) -> None:
    row = {"messages": [messages(LATE)[0], {"role": "assistant", "content": [part]}]}
    _, done = imported(tmp_path, lines(tmp_path, row))
    assert done.code == 2 and "line 1: message 2: must be a text" in done.err


def test_one_bad_record_ends_the_import_or_is_left_out_and_counted(tmp_path: Path) -> None:
    bad = {"messages": [messages(LATE)[0], {"role": "tool", "content": "x"}]}
    file = lines(tmp_path, {"messages": messages(LATE, WARM)}, bad, {"messages": messages(COLD, WARM)})
    _, refused = imported(tmp_path, file)
    assert refused.code == 2 and "line 2: message 2: 'tool' is not a known role" in refused.err
    assert "--skip-unreadable" in refused.err and not (tmp_path / "d.jsonl").exists()
    kept, done = imported(tmp_path, file, "--skip-unreadable")
    assert [spoken(dialogue)[0] for dialogue in kept] == [LATE, COLD]
    assert [*done.json["left_out"].values()] == [1] and "'tool' is not a known role" in str(done.json["left_out"])
    assert "1 left out: message: 'tool'" in done.err


def test_a_line_that_is_no_json_is_left_out_too(tmp_path: Path) -> None:
    file = lines(tmp_path, {"messages": messages(LATE, WARM)})
    file.write_text(file.read_text("utf-8") + '{"messages": [\n' + file.read_text("utf-8"), "utf-8")
    kept, done = imported(tmp_path, file, "--skip-unreadable")
    assert len(kept) == 2 and "not JSON" in str(done.json["left_out"])


@pytest.mark.parametrize("name", ["messages", "table", "esconv"])
def test_a_table_is_said_to_be_one_with_the_command_that_reads_it(tmp_path: Path, name: str) -> None:
    file = tmp_path / "two.csv"
    file.write_text("id,speaker,text\n1,client,I did not sleep.\n1,therapist,Tell me about the night.\n", "utf-8")
    _, refused = imported(tmp_path, file, name=name)
    assert "is a table with the columns id, speaker, text" in refused.err
    options = ["--map", "content=text,role=speaker,dialogue=id", "--roles", "client=user,therapist=supporter"]
    assert f"cocoon corpus import table {file} {' '.join(options)}" in refused.err
    (dialogue,), _ = imported(tmp_path, file, *options)
    assert [(turn.role, turn.content) for turn in dialogue.turns] == [
        ("user", "I did not sleep."),
        ("supporter", "Tell me about the night."),
    ]
    assert "is a table" in cocoon("questions", str(file)).err


@pytest.mark.parametrize(
    ("words", "language"),
    [
        (["最近よく眠れません。", "何が一番心配ですか。"], "Japanese"),
        (["요즘 잠을 못 자요.", "무엇이 걱정되세요?"], "Korean"),
        (["Мне плохо спится.", "Что вас тревожит?"], "cyrillic script"),
        (["Ich schlafe seit Wochen schlecht und weiß nicht warum.", "Was beschäftigt dich nachts?"], "Latin script"),
        (["Ich schlafe schlecht.", "Was ist los?"], "Latin script"),
        (["No puedo dormir.", "¿Qué te preocupa?"], "Latin script"),
        (["Mình không ngủ được.", "Bạn lo điều gì?"], "latin script"),
        (["I sleep badly.", "What worries you?"], None),
        (["我最近睡不好。", "你在担心什么？"], None),
    ],
)
def test_an_unknown_language_is_told_and_nothing_is_computed_of_it(
    tmp_path: Path, words: list[str], language: str | None
) -> None:
    file = lines(tmp_path, {"messages": messages(*words)}, {"messages": messages(LATE, WARM)})
    kept, done = imported(tmp_path, file)
    assert len(kept) == (1 if language else 2)
    assert (language is None) == (done.json["left_out"] == {}) and (language or "") in done.err
    asked = cocoon("questions", str(file), "--json")
    assert asked.json["dialogues"] == len(kept) and asked.json["left_out"] == done.json["left_out"]
    counted = cocoon("corpus", "stats", "messages", str(file), "--json")
    assert counted.json["dialogues"] == len(kept) and (language or "") in counted.err


def test_a_language_that_the_record_names_is_believed(tmp_path: Path) -> None:
    file = lines(tmp_path, {"messages": messages("Hm.", "Mhm."), "language": "sv"})
    _, done = imported(tmp_path, file)
    assert done.code == 2 and "(sv)" in done.err


@pytest.mark.parametrize(("name", "source"), [("esconv", "ESConv"), ("extes", "ExTES"), ("soulchat", "SoulChatCorpus")])
def test_provenance_that_the_file_does_not_show_is_the_users_claim(tmp_path: Path, name: str, source: str) -> None:
    rows: dict[str, dict[str, Any]] = {
        "esconv": {"item": "car", "dialog": [{"speaker": "usr", "text": "50?"}, {"speaker": "sys", "text": "60."}]},
        "extes": {"content": [{"User": "50?"}, {"AI": "60."}]},
        "soulchat": {"messages": messages("50?", "60.")},
    }
    (dialogue,), done = imported(tmp_path, lines(tmp_path, rows[name]), name=name)
    assert (dialogue.source, dialogue.licence.endswith("(as claimed)")) == (f"{source} (as claimed)", True)
    assert done.json["claimed"] == 1 and "are what you said" in done.err
    out = tmp_path / "out"
    refused = cocoon("corpus", "export", str(tmp_path / "d.jsonl"), "-o", str(out))
    assert refused.code == 2 and "(as claimed)" in refused.err


def test_questions_and_import_read_a_file_alike(tmp_path: Path) -> None:
    row = {
        "messages": [
            {"role": "user", "content": LATE},
            {"role": "assistant", "content": [{"type": "text", "text": "Why?"}]},
        ]
    }
    file = lines(tmp_path, row, {"messages": messages(LATE, WARM), "label": False})
    kept, _ = imported(tmp_path, file)
    asked = cocoon("questions", str(file), "--json").json["roles"]
    told = {role: sum(turn.role == role for dialogue in kept for turn in dialogue.turns) for role in asked}
    assert {role: counts["turns"] for role, counts in asked.items()} == told == {"supporter": 1, "user": 2}


def test_a_file_says_what_it_is(tmp_path: Path) -> None:
    done = cocoon("corpus", "identify", str(lines(tmp_path, {"messages": messages(LATE, WARM), "label": True})))
    assert "this is a KTO file" in done.out and "cocoon corpus import kto" in done.out
    with pytest.raises(CocoonError, match="has records with the keys color"):
        read_corpus("table", lines(tmp_path, {"color": "blue"}))


@pytest.mark.parametrize(
    ("content", "words", "private"),
    [
        ("<think>They hide it.</think>That sounds tiring.", WARM, "They hide it."),
        ("They hide it.</think>\n\nThat sounds tiring.", WARM, "They hide it."),
        ([{"type": "reasoning", "reasoning": "They hide it."}, {"type": "text", "text": WARM}], WARM, "They hide it."),
        ("<think>They hide it.", None, None),
    ],
)
def test_private_text_is_kept_apart_from_speech(tmp_path: Path, content: Any, words: str | None, private: Any) -> None:
    turns = [messages(LATE)[0], {"role": "assistant", "content": content}]
    (dialogue,), done = imported(tmp_path, lines(tmp_path, {"messages": turns}))
    assert spoken(dialogue) == [LATE, *([words] if words else [])]
    assert done.json["repairs"]["kept_apart"] == 1
    if private:
        assert dialogue.turns[-1].thought and dialogue.turns[-1].thought.reasoning == private
        corpus = read_rows([str(tmp_path / "d.jsonl")], DataConfig(validation=0.0), seed=1)
        assert "They hide it" not in str(cocoon_texts(corpus.train[0]))


def cocoon_texts(dialogue: Dialogue) -> list[str]:
    return [message["content"] for message in messages_of(dialogue, "Listen.", "inline")]


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning", "thought", "thinking"])
def test_a_thought_beside_the_words_is_private_too(tmp_path: Path, key: str) -> None:
    turns = [messages(LATE)[0], {"role": "assistant", "content": WARM, key: "They hide it."}]
    (dialogue,), done = imported(tmp_path, lines(tmp_path, {"messages": turns}))
    assert spoken(dialogue) == [LATE, WARM] and done.json["unread"] == {}
    assert dialogue.turns[1].thought and dialogue.turns[1].thought.reasoning == "They hide it."
