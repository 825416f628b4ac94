"""Loaders of foreign dialogues: every layout, every repair counted, hostile and broken files, the real ones at hand."""

import io
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line
from cocoon.core.records import Dialogue
from cocoon.corpora.dialogue_loaders import Reading, find_corpus, read_corpus
from cocoon.corpora.layouts import CORPORA
from cocoon.corpora.profile_loaders import KINDS, load_foreign_profiles
from cocoon.corpora.reading import json_list
from cocoon.tests.commands import cocoon
from cocoon.tests.corpora.corpus_records import RECORDS, as_lines, as_list


def write(folder: Path, text: str | bytes, name: str = "file.json") -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def read(name: str, file: Path) -> tuple[list[Dialogue], Reading]:
    reading = read_corpus(name, file)
    return list(reading.dialogues), reading


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("form", [as_lines, as_list])
def test_every_corpus_is_read_as_lines_and_as_a_list(tmp_path: Path, name: str, form: Any) -> None:
    dialogues, reading = read(name, write(tmp_path, form(name)))
    assert (reading.report.read, reading.report.kept) == (len(RECORDS[name]), len(RECORDS[name]))
    corpus = CORPORA[name]
    for dialogue in dialogues:
        assert {turn.role for turn in dialogue.turns} <= {"user", "supporter"} and dialogue.turns
        assert (dialogue.source, dialogue.licence, dialogue.supporter) == (corpus.source, corpus.licence, name)
        assert dialogue.profile.need is None or name == "cocoon"


def contents(name: str, tmp_path: Path, number: int = 0) -> list[tuple[str, str]]:
    dialogues, _ = read(name, write(tmp_path, as_lines(name)))
    return [(turn.role, turn.content) for turn in dialogues[number].turns]


def test_esconv_keeps_strategies_feedback_and_ratings(tmp_path: Path) -> None:
    dialogues, reading = read("esconv", write(tmp_path, as_lines("esconv")))
    first, second, third = dialogues
    assert first.turns[0].scores == {"feedback": 3.0}
    assert first.turns[1].thought and first.turns[1].thought.strategy == "Reflection of feelings"
    assert first.facts == {"user_empathy": 4.0, "supporter_relevance": 5.0}
    assert (first.profile.feeling, first.profile.emotion, first.profile.scenario) == (
        "I work too much.",
        "anger",
        "job",
    )
    assert [turn.content for turn in second.turns] == ["I don't sleep.", "I see."]
    assert second.turns[1].thought and second.turns[1].thought.strategy == "Others; Question"
    assert third.turns[0].content == "Odd . as said"
    assert reading.report.counts["repaired"] == 1


def test_lines_without_a_speaker_belong_to_the_turn_before(tmp_path: Path) -> None:
    turns = contents("cpsycound", tmp_path)
    assert [role for role, _ in turns] == ["user", "supporter", "user"]
    assert turns[2][1].endswith("\n妈妈：睡吧")


def test_a_speaker_with_a_number_or_a_remark_is_that_speaker(tmp_path: Path) -> None:
    raw = "心理咨询师：两位好。\n来访者1：我着急。\n来访者（小李）： 我不急。\n心理咨询师(扮演母亲):孩子。"
    (dialogue,), reading = read("cpsycound", write(tmp_path, json.dumps({"id": 1, "raw": raw})))
    assert [turn.role for turn in dialogue.turns] == ["supporter", "user", "user", "supporter"]
    assert [turn.content for turn in dialogue.turns] == ["两位好。", "我着急。", "我不急。", "孩子。"]
    assert reading.report.counts["relabelled"] == 1 and "3 speakers" in reading.report.notes[0].reason


def test_an_instruction_keeps_every_paragraph_of_the_reply(tmp_path: Path) -> None:
    dialogues, _ = read("esdcot", write(tmp_path, as_lines("esdcot")))
    last = dialogues[1].turns[-1]
    assert last.content == "I hear you.\n\nTake your time."
    assert last.thought and last.thought.analysis == "Tired. To show it."
    assert dialogues[1].turns[2].content == "Nobody notices it.\nand on"


def test_both_speakers_of_one_extes_item_are_read(tmp_path: Path) -> None:
    dialogues, _ = read("extes", write(tmp_path, as_lines("extes")))
    assert [[turn.role for turn in one.turns] for one in dialogues] == [["user", "supporter"]] * 2
    assert [one.turns[1].thought.strategy for one in dialogues if one.turns[1].thought] == ["Empathy", "E"]


def test_the_papers_layout_keeps_drafts_stages_and_the_profile(tmp_path: Path) -> None:
    (dialogue,), _ = read("cocoon", write(tmp_path, as_lines("cocoon")))
    turn = dialogue.turns[2]
    assert (turn.content, turn.draft, turn.thought and turn.thought.strategy) == ("听起来你很累。", "累吗？", "s")
    assert dialogue.stage_boundary == 4 and dialogue.facts == {"analysis": "b"}
    assert (dialogue.profile.need, dialogue.profile.emotion) == ("我想被照顾", "疲惫")


def test_emotion_scores_of_a_trace_stand_at_its_turns(tmp_path: Path) -> None:
    (dialogue,), _ = read("sage", write(tmp_path, as_lines("sage")))
    assert [turn.scores.get("emotion") for turn in dialogue.turns] == [40.0, None, 30.0]
    assert dialogue.facts["emo_point"] == 30 and dialogue.profile.feeling == "他睡不好。"


ANNOMI = """transcript_id,mi_quality,topic,utterance_id,interlocutor,utterance_text,annotator_id,{labels}
4,high,sleep,0,therapist,"How, then, do you sleep?",1,question,open,n/a
4,high,sleep,0,therapist,"How, then, do you sleep?",2,reflection,n/a,complex
4,high,sleep,1,client,Hardly.,1,n/a,n/a,n/a
6,low,work,0,therapist,You work too much.,1,other,n/a,n/a
""".replace("{labels}", "main_therapist_behaviour,question_subtype,reflection_subtype")


def test_an_utterance_that_several_experts_labelled_is_said_once(tmp_path: Path) -> None:
    (first, second), reading = read("annomi", write(tmp_path, ANNOMI, "annomi.csv"))
    assert [(turn.role, turn.content) for turn in first.turns] == [
        ("supporter", "How, then, do you sleep?"),
        ("user", "Hardly."),
    ]
    assert first.turns[0].thought and first.turns[0].thought.strategy == "question: open"
    assert (first.facts, first.profile.scenario, second.id) == ({"mi_quality": "high"}, "sleep", "annomi-6")
    assert (reading.report.read, first.licence) == (2, CORPORA["annomi"].licence)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (ANNOMI.replace("interlocutor", "speaker"), "has no column 'interlocutor'"),
        (ANNOMI.replace("client", "dog"), "line 4: utterance 1: 'dog' is not a known role"),
    ],
)
def test_a_file_that_is_not_annomi_is_refused_in_one_line(tmp_path: Path, text: str, refusal: str) -> None:
    with pytest.raises(CocoonError, match=refusal):
        read("annomi", write(tmp_path, text, "annomi.csv"))


def test_a_speakers_name_inside_a_reply_is_taken_out_and_counted(tmp_path: Path) -> None:
    _, reading = read("emollm", write(tmp_path, as_lines("emollm")))
    assert (reading.report.counts["repaired"], reading.report.counts["relabelled"]) == (1, 1)
    assert contents("emollm", tmp_path)[3][1] == "嗯。\n睡吧"


def test_folders_of_files_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    smile = tmp_path / "smile"
    smile.mkdir()
    for number in (10, 2):
        write(smile, json.dumps(RECORDS["smile"][0]["dialog"], ensure_ascii=False), f"{number}.json")
    assert [one.id for one in read("smile", smile)[0]] == ["smile-2", "smile-10"]
    assert [one.id for one in read("smile", smile / "2.json")[0]] == ["smile-2"]
    cases = tmp_path / "cases"
    cases.mkdir()
    write(cases, RECORDS["cpsycound"][0]["raw"], "case_3.txt")
    assert [one.id for one in read("cpsycound", cases)[0]] == ["cpsycound-case_3"]
    topics = tmp_path / "E" / "Love & Marriage"
    topics.mkdir(parents=True)
    write(topics, json.dumps(RECORDS["cpsycoune"][0]["data"], ensure_ascii=False), "1.json")
    (dialogue,), _ = read("cpsycoune", tmp_path / "E")
    assert dialogue.profile.scenario == "Love & Marriage"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_encodings_are_recognised(tmp_path: Path, encoding: str) -> None:
    dialogues, _ = read("smile", write(tmp_path, as_lines("smile").encode(encoding)))
    assert dialogues[0].turns[0].content == "我最近总是睡不好。"


def test_crlf_and_empty_lines_are_no_records(tmp_path: Path) -> None:
    text = as_lines("smile").replace("\n", "\r\n") + "\r\n\r\n"
    assert read("smile", write(tmp_path, text))[1].report.read == 1


def test_empty_turns_are_dropped_with_a_note_and_so_is_an_empty_dialogue(tmp_path: Path) -> None:
    rows = [{"dialog": [{"role": "client", "content": " "}, {"role": "counselor", "content": "好"}]}, {"dialog": []}]
    dialogues, reading = read("smile", write(tmp_path, "".join(json.dumps(row) + "\n" for row in rows)))
    assert (len(dialogues), reading.report.counts["dropped"], reading.report.read) == (1, 2, 2)


def test_a_second_dialogue_of_one_id_gets_another(tmp_path: Path) -> None:
    dialogues, reading = read("smile", write(tmp_path, as_lines("smile") * 3))
    assert [one.id for one in dialogues] == ["smile-7", "smile-7-2", "smile-7-3"]
    assert reading.report.counts["relabelled"] == 2


def test_a_report_counts_all_and_keeps_the_first_examples(tmp_path: Path) -> None:
    _, reading = read("emollm", write(tmp_path, as_lines("emollm") * 9))
    assert reading.report.counts["repaired"] == 9
    assert sum(note.repair == "repaired" for note in reading.report.notes) == 5


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("smile", "", "is empty"),
        ("smile", "[1]", "record 1: the record: must be an object"),
        ("smile", '{"dialog": 3}', "key 'dialog': must be a list"),
        ("smile", '{"dialog": [{"role": "dog", "content": "x"}]}', "turn 1: 'dog' is not a known role"),
        ("smile", '{"dialog": [{"role": "client", "content": 3}]}', "turn 1: must be a text, found 3"),
        ("extes", '{"content": [{"Both": "x"}]}', "item 1: has no key 'User' and no key 'AI'"),
        ("esdcot", '{"input": "hello", "output": "x"}', "turn 1 has no speaker"),
        ("esdcot", '{"input": "seeker: a", "output": "x"}', "no section 'Response:'"),
        ("cactus", "{}", "key 'AI_client'"),
        ("jsonl", '{"id": "x"}', "line 1"),
        ("nothing", "x", "Corpus 'nothing' is not known"),
    ],
)
def test_broken_records_are_named_in_one_line(tmp_path: Path, name: str, text: str, told: str) -> None:
    with pytest.raises(CocoonError) as error:
        read(name, write(tmp_path, text))
    assert told in str(error.value) and "\n" not in str(error.value)


def test_a_line_that_is_cut_off_is_named_by_its_number(tmp_path: Path) -> None:
    with pytest.raises(CocoonError, match="line 2: not JSON"):
        read("smile", write(tmp_path, as_lines("smile") + '{"dialog": [', "a.jsonl"))


def test_bytes_in_no_encoding_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CocoonError, match="neither UTF-8"):
        read("smile", write(tmp_path, b'{"dialog": "\xff\xff\x80"}'))


def test_an_edited_export_is_taken_as_edited(tmp_path: Path) -> None:
    dialogues, _ = read("smile", write(tmp_path, as_lines("smile")))
    row = {"messages": [{"role": "user", "content": "changed"}] * 3, "cocoon": dialogues[0].model_dump_json()}
    (again,), reading = read("messages", write(tmp_path, json.dumps(row)))
    assert [turn.content for turn in again.turns] == ["changed"] * 3 and reading.report.counts["replaced"] == 1


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=12)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)


def swapped(record: Any, path: list[int], value: Any) -> Any:
    """The record with one of its inner values replaced."""
    if isinstance(record, dict) and record and path:
        key = list(record)[path[0] % len(record)]
        return record | {key: swapped(record[key], path[1:], value)}
    if isinstance(record, list) and record and path:
        place = path[0] % len(record)
        return [*record[:place], swapped(record[place], path[1:], value), *record[place + 1 :]]
    return value


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030", "latin-1", "cp932")


def mangled(text: str, data: Any) -> bytes:
    """The text as a file that went through other hands: line ends, colons, encodings, cut off or run together."""
    if data.draw(st.booleans()):
        text = text.replace("\n", "\r\n").replace("\\n", "\\r\\n")
    if data.draw(st.booleans()):
        text = text.replace("：", ":") if data.draw(st.booleans()) else text.replace(":", "：")
    found = text.encode(data.draw(st.sampled_from(ENCODINGS)), "replace")
    if data.draw(st.booleans()):
        found = found[: data.draw(st.integers(0, len(found)))]
    if data.draw(st.booleans()):
        found += text.encode(data.draw(st.sampled_from(ENCODINGS)), "replace")
    return found


@pytest.mark.parametrize("name", RECORDS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_a_file_holds_it_is_read_with_its_repairs_or_refused(tmp_path: Path, name: str, data: Any) -> None:
    record = data.draw(st.sampled_from(RECORDS[name]))
    path = data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=5))
    if data.draw(st.booleans()):
        record = swapped(record, path, data.draw(VALUES))
    text = json.dumps(record, ensure_ascii=data.draw(st.booleans())) + "\n"
    file = write(tmp_path, mangled(text, data))
    try:
        dialogues, reading = read(name, file)
    except CocoonError as error:
        assert str(file) in str(error) and "\n" not in str(error)
        return
    assert reading.report.read == len(dialogues) + sum(reading.report.left_out.values())
    assert all(Dialogue.model_validate_json(dump_line(one)) == one for one in dialogues)


PEOPLE: dict[str, Any] = {
    **{name: RECORDS[name][0] for name in ("extes", "cactus", "sage")},
    "cocoon": {"Feeling": "我很累", "Need": "我想休息", "Memory": ["我想休息：昨天又加班。"]},
    "esc-eval": {"base": "年龄：30\n问题：我睡不好。", "id": 1, "language": "chinese"},
    "esc-judge": {"pid": "a", "challenge": "Moving house", "life_events": "1. She moved."},
    "interactive-agents": "我最近总是睡不好。",
    "patienthub": {"id": "1-1", "situation": "Her bills are due.", "emotion": ["anxious", "sad"], "history": "Alone."},
    "jsonl": {"id": "p", "language": "en", "feeling": "I am tired."},
}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_a_file_of_profiles_holds_it_is_read_or_refused(tmp_path: Path, kind: str, data: Any) -> None:
    record = PEOPLE[kind]
    if data.draw(st.booleans()):
        record = swapped(record, data.draw(st.lists(st.integers(0, 5), max_size=3)), data.draw(VALUES))
    file = write(tmp_path, mangled(json.dumps(record, ensure_ascii=data.draw(st.booleans())) + "\n", data))
    try:
        profiles, report = load_foreign_profiles(kind, file)
    except CocoonError as error:
        assert str(file) in str(error) and "\n" not in str(error)
        return
    assert report.read == len(profiles) + report.counts["merged"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_role_cards_in_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    text = json.dumps([PEOPLE["esc-eval"]], ensure_ascii=False)
    (profile,), _ = load_foreign_profiles("esc-eval", write(tmp_path, text.encode(encoding)))
    assert profile.feeling.startswith("我睡不好")


def test_personas_become_memories_and_what_has_no_place_is_told(tmp_path: Path) -> None:
    record = {
        "pid": "a",
        "challenge": "Moving house",
        "life_events": "\n1. She moved.\n2. She moved again.",
        "role": "r",
    }
    (profile,), report = load_foreign_profiles("esc-judge", write(tmp_path, json.dumps(record)))
    assert [one.text for one in profile.memory] == ["She moved.", "She moved again."]
    assert (profile.feeling, profile.need, report.counts["dropped"]) == ("Moving house", None, 1)
    with pytest.raises(CocoonError, match="record 1: the request is empty"):
        load_foreign_profiles("interactive-agents", write(tmp_path, '[" "]'))


def test_import_from_the_command_line_and_its_report(tmp_path: Path) -> None:
    file, out = write(tmp_path, as_lines("emollm")), tmp_path / "out" / "d.jsonl"
    done = cocoon("corpus", "import", "emollm", str(file), "-o", str(out), "--json")
    assert done.json["repairs"]["repaired"] == 1 and "1 repaired" in done.err and out.exists()
    broken = write(tmp_path, as_lines("emollm") + "{}\n", "broken.json")
    assert cocoon("corpus", "import", "emollm", str(broken), "-o", str(out.with_name("b.jsonl"))).code == 2
    assert {one.name for one in out.parent.iterdir()} == {"d.jsonl", "d.ledger.json"}
    again = cocoon("corpus", "import", "emollm", str(file), "-o", str(out))
    assert again.code == 2 and "--force" in again.err
    assert {one["name"] for one in cocoon("corpus", "list", "--json").json} == set(CORPORA)
    wrong = cocoon("corpus", "stats", "esconvv", str(file))
    assert wrong.code == 2 and "Did you mean 'esconv'?" in wrong.err


def test_a_profile_without_a_feeling_cannot_be_simulated(tmp_path: Path) -> None:
    dialogues, _ = read("smile", write(tmp_path, as_lines("smile")))
    file = write(tmp_path, dump_line(dialogues[0].profile), "profiles.jsonl")
    done = cocoon("simulate", "--profiles", str(file), "--out", str(tmp_path / "run"), "--dry-run")
    assert done.code == 2 and "states no feeling" in done.err


LISTS = st.lists(VALUES, max_size=6)


@settings(max_examples=200, deadline=None)
@given(some=LISTS, indent=st.sampled_from([None, 1]), chunk=st.integers(1, 40), cut=st.integers(0, 400))
def test_a_list_read_by_pieces_is_the_list_read_whole(
    some: list[Any], indent: int | None, chunk: int, cut: int
) -> None:
    text = json.dumps(some, indent=indent)[: cut or None]
    try:
        whole = orjson.loads(text)
    except orjson.JSONDecodeError:
        whole = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_list, "_CHUNK", chunk)
        if isinstance(whole, list):
            assert [value for _, value in json_list.elements(io.StringIO(text), "f")] == whole
        else:
            with pytest.raises(CocoonError, match=r"^f, line \d+: not JSON"):
                list(json_list.elements(io.StringIO(text), "f"))


def test_a_broken_list_is_named_by_its_line_and_a_deep_one_is_refused(tmp_path: Path) -> None:
    records = ",\n".join(json.dumps(one) for one in RECORDS["smile"] * 3)
    with pytest.raises(CocoonError, match="line 5: not JSON"):
        read("smile", write(tmp_path, f"[\n{records},\n{{broken}}\n]"))
    with pytest.raises(CocoonError, match="not JSON"):
        read("smile", write(tmp_path, "[" * 100_000))
    with pytest.raises(CocoonError, match="line 1: not JSON"):
        read("smile", write(tmp_path, "[] []"))


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("escot", "esdcot"),
        ("ESD-CoT", "esdcot"),
        ("SoulChat", "soulchat"),
        ("SoulChatCorpus", "soulchat"),
        ("cpsycounD", "cpsycound"),
    ],
)
def test_a_corpus_is_found_by_the_names_that_it_goes_by(spelled: str, name: str) -> None:
    assert find_corpus(spelled) == name
