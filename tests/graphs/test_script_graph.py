"""The script graph: every edge walked with scripted answers, resumed, over HTTP and with the embedded model."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from cocoon.core.errors import CocoonError, StoppedError
from cocoon.core.records import Dialogue, Profile
from cocoon.evaluation.scales.scoring import load_scale
from cocoon.evaluation.text.static_embedding import available
from cocoon.models.by_name import Models
from cocoon.running.building.config import RaterConfig, ScriptConfig, WriterConfig
from cocoon.running.building.generation import Generated, generate
from cocoon.running.building.scripts import ScriptGenerator
from cocoon.running.folder import read_run
from cocoon.tests.conversations import shipped_profiles
from cocoon.tests.graphs.generation_cases import Says, chat, only, walked
from cocoon.tests.graphs.script_cases import (
    ADVISED,
    LEAKED,
    REQUEST,
    TALK,
    changed,
    exchange,
    person,
    rater,
    writer,
)


def build(
    out: Path, says: Says = writer, rates: Says = rater, people: list[Profile] | None = None, **changes: Any
) -> Generated:
    config = ScriptConfig(
        writer=WriterConfig(model="scripted:writer"), rater=RaterConfig(model="scripted:rater"), **changes
    )
    models = Models()
    models.wrap("scripted:writer", chat(says))
    models.wrap("scripted:rater", chat(rates))
    generator = ScriptGenerator(config, models, people or [person()])
    return asyncio.run(generate(generator, generator.items(), config, models, out))


def made(out: Path) -> Dialogue:
    (dialogue,) = read_run(out, "dialogues.jsonl", Dialogue)
    return dialogue


def test_a_dialogue_is_written_screened_rated_and_annotated(tmp_path: Path) -> None:
    outcome = build(tmp_path)
    dialogue = made(tmp_path)
    assert outcome.kept == 1 and "AELS thresholds over 1 rated" in outcome.notes[0]
    assert [turn.role for turn in dialogue.turns] == ["supporter", "user"] * 11 + ["supporter"]
    assert dialogue.stage_boundary == 14 and dialogue.turns[13].content == TALK[-1][1]
    thoughts = [turn.thought for turn in dialogue.turns if turn.role == "supporter"]
    assert thoughts[0] is None and all(thought and thought.strategy == "strategy is this" for thought in thoughts[1:])
    assert (dialogue.facts["aels"], dialogue.facts["aels_sensing"]) == (5.0, 5.0)
    assert dialogue.facts["analysis"] == "He misses him. A letter, a visit. It may ease."
    assert walked(tmp_path) == [
        *["write_listening", "screen", "check_listening"] * 2,
        *["analyse", "write_suggestion", "check_form", "rate_listening", "annotate"],
    ]


def test_the_supporter_of_the_listening_stage_never_asks_a_closed_question(tmp_path: Path) -> None:
    drafted = changed(2, draft="Do you count for long?", statement="You count for a long while.")
    build(tmp_path, says=drafted)
    turn = next(turn for turn in made(tmp_path).turns if turn.draft)
    assert (turn.draft, turn.content) == ("Do you count for long?", "You count for a long while.")


def test_a_statement_that_is_still_a_question_is_restated(tmp_path: Path) -> None:
    build(tmp_path, says=changed(2, draft="Is it long?", statement="Is it very long?"))
    turn = next(turn for turn in made(tmp_path).turns if turn.draft)
    assert turn.content == "You are wondering about him."


def test_open_questions_stay_unless_all_are_to_be_rewritten(tmp_path: Path) -> None:
    asking = changed(2, draft="How do those hours feel to you?", statement="Those hours feel long.")
    build(tmp_path / "closed", says=asking)
    assert any(turn.content.endswith("feel to you?") for turn in made(tmp_path / "closed").turns)
    build(tmp_path / "all", says=asking, rewrite="all")
    assert any(turn.content == "Those hours feel long." for turn in made(tmp_path / "all").turns)


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (changed(3, draft=ADVISED, statement=ADVISED), "advice"),
        (changed(2, draft=LEAKED, statement=LEAKED), "leak"),
        (changed(2, user="I want my brother to forgive me for selling the orchard, I think."), "early_need"),
    ],
)
def test_the_screen_drops_with_its_reason(tmp_path: Path, says: Says, reason: str) -> None:
    outcome = build(tmp_path, says=says)
    assert (only(tmp_path).node, only(tmp_path).reason) == ("screen", reason), only(tmp_path).detail
    assert outcome.exit_code == 1 and only(tmp_path).content["turns"]


def test_a_script_that_began_so_is_screened_at_the_end(tmp_path: Path) -> None:
    build(tmp_path, says=changed(3, draft=ADVISED, statement=ADVISED), screen_pieces=False)
    assert (only(tmp_path).node, only(tmp_path).reason) == ("screen", "advice")
    assert walked(tmp_path)[-2:] == ["check_form", "drop"] and "mend" not in walked(tmp_path)


NEARLY = "You long to be pardoned by your sibling for having sold that land."


@pytest.mark.parametrize(("answer", "kept"), [(True, 0), (False, 1), (None, 1), ("maybe", 1)])
def test_what_vectors_find_counts_when_the_rater_reads_it_too(tmp_path: Path, answer: Any, kept: int) -> None:
    if not available():
        pytest.skip("needs the word vectors of the extra 'screen'")

    def rates(text: str) -> Any:
        return {"same": answer} if "Compare two texts" in text else rater(text)

    leaking = changed(3, draft=NEARLY, statement=NEARLY)
    assert build(tmp_path, says=leaking, rates=rates).kept == kept
    found = made(tmp_path).facts["remarks"] if kept else only(tmp_path).content["findings"]
    assert "leak" in str(found)


def test_without_vectors_words_alone_are_compared(tmp_path: Path) -> None:
    build(tmp_path, says=changed(3, draft=NEARLY, statement=NEARLY), semantic="none")
    assert made(tmp_path).facts["screen"] == "lexical"


def test_a_question_that_no_rewrite_removed_is_dropped(tmp_path: Path) -> None:
    def says(text: str) -> Any:
        found = changed(2, draft="Is it long?", statement="Is it very long?")(text)
        return {"statement": "Is it long, then?"} if found.keys() == {"statement"} else found

    build(tmp_path, says=says)
    assert (only(tmp_path).node, only(tmp_path).reason) == ("screen", "question")


def test_too_few_turns_are_dropped(tmp_path: Path) -> None:
    build(tmp_path, minimum_turns=40)
    assert (only(tmp_path).node, only(tmp_path).reason) == ("check_form", "too_short")


def test_the_self_check_has_the_last_piece_mended(tmp_path: Path) -> None:
    asked: list[str] = []

    def rates(text: str) -> Any:
        found = rater(text)
        if "Judge two things" in text:
            asked.append(text)
            if len(asked) == 1:
                return found | {"decision": "repair", "note": "the two repeat themselves"}
        return found

    seen: list[str] = []

    def says(text: str) -> Any:
        seen.append(text)
        return writer(text)

    assert build(tmp_path, says=says, rates=rates).kept == 1
    assert walked(tmp_path)[:5] == ["write_listening", "screen", "check_listening", "mend", "write_listening"]
    assert "the two repeat themselves" in seen[1] and TALK[0][1] not in seen[1].partition("<script>")[2]


@pytest.mark.parametrize(("decision", "reason"), [("continue", "not_reached"), ("repair", "not_mended")])
def test_pieces_are_not_written_for_ever(tmp_path: Path, decision: str, reason: str) -> None:
    answer = {"understood": True, "reached": False, "decision": decision, "note": ""}

    def rates(text: str) -> Any:
        return answer if "Judge two things" in text else rater(text)

    def says(text: str) -> Any:
        found = writer(text)
        return {"exchanges": [exchange(1)]} if found == {"exchanges": []} else found

    build(tmp_path, says=says, rates=rates, pieces=3)
    assert (only(tmp_path).node, only(tmp_path).reason) == ("check_listening", reason)
    assert only(tmp_path).detail == "after 3 pieces"


def test_a_need_that_is_reached_before_its_time_is_mended(tmp_path: Path) -> None:
    checked: list[str] = []

    def rates(text: str) -> Any:
        if "Judge two things" not in text:
            return rater(text)
        checked.append(text)
        hasty = {"understood": True, "reached": True, "decision": "stop", "note": "it is reached"}
        return hasty if len(checked) == 1 else rater(text)

    seen: list[str] = []

    def says(text: str) -> Any:
        seen.append(text)
        return writer(text)

    build(tmp_path, says=says, rates=rates)
    assert made(tmp_path).stage_boundary == 14
    assert walked(tmp_path)[:5] == ["write_listening", "screen", "check_listening", "mend", "write_listening"]
    assert ["next 5 answers" in seen[0], "next 5 answers" in seen[1], "next 1 answers" in seen[2]] == [True] * 3
    assert "it is reached" not in "".join(seen)


def test_a_need_that_is_always_reached_too_early_is_dropped(tmp_path: Path) -> None:
    def rates(text: str) -> Any:
        stop = {"understood": True, "reached": True, "decision": "stop", "note": ""}
        return stop if "Judge two things" in text else rater(text)

    build(tmp_path, rates=rates)
    assert (only(tmp_path).node, only(tmp_path).reason) == ("check_listening", "early_need")


def test_a_piece_written_anew_has_its_questions_restated_anew(tmp_path: Path) -> None:
    checked: list[str] = []

    def rates(text: str) -> Any:
        if "Judge two things" in text:
            checked.append(text)
        repair = "Judge two things" in text and len(checked) == 1
        return rater(text) | ({"decision": "repair", "note": "they repeat"} if repair else {})

    def says(text: str) -> Any:
        draft = "Is it dark?" if checked else "Is it long?"
        return changed(2, draft=draft, statement=draft)(text)

    outcome = build(tmp_path, says=says, rates=rates)
    assert (outcome.kept, outcome.failures) == (1, 0)
    assert [turn.draft for turn in made(tmp_path).turns if turn.draft] == ["Is it dark?"]


DOUBTFUL = "You need someone who would help to carry it, maybe."
INVITATION = "Tell me more about those nights."


@pytest.mark.parametrize(("answer", "kept"), [(True, 0), (False, 1), (None, 1), ("maybe", 1)])
@pytest.mark.parametrize(
    ("words", "mark", "key", "kind"),
    [
        (DOUBTFUL, "Does the Supporter advise", "advice", "advice"),
        (REQUEST, "Does the Supporter ask", "asks", "question"),
    ],
)
def test_a_doubtful_manner_counts_when_the_rater_reads_it_so(
    tmp_path: Path, words: str, mark: str, key: str, kind: str, answer: Any, kept: int
) -> None:
    def rates(text: str) -> Any:
        return {key: answer} if mark in text else rater(text)

    assert build(tmp_path, says=changed(3, draft=words, statement=words), rates=rates).kept == kept
    assert kept or (only(tmp_path).node, only(tmp_path).reason) == ("screen", kind)
    assert not kept or kind in str(made(tmp_path).facts["remarks"])


@pytest.mark.parametrize(
    ("rewrite", "words", "told"),
    [
        ("closed", REQUEST, "An open invitation"),
        ("closed", INVITATION, None),
        ("all", INVITATION, "in whatever form: an answer"),
        ("all", REQUEST, "in whatever form: an answer"),
        ("none", REQUEST, None),
    ],
)
def test_the_rater_is_asked_about_what_the_rewrite_rule_forbids(
    tmp_path: Path, rewrite: Any, words: str, told: str | None
) -> None:
    asked: list[str] = []

    def rates(text: str) -> Any:
        asked.extend([text] if "Does the Supporter ask" in text else [])
        return {"asks": True} if "Does the Supporter ask" in text else rater(text)

    outcome = build(tmp_path, says=changed(3, draft=words, statement=words), rates=rates, rewrite=rewrite)
    assert outcome.kept == (0 if told else 1)
    # The writer repeats itself in every piece, and every piece is read.
    assert [told in text and words in text for text in asked if told] == ([True] * 6 if told else [])
    assert told or not asked


@pytest.mark.parametrize(
    ("mark", "node"),
    [
        ("next 3 exchanges", "write_listening"),
        ("Judge two things", "check_listening"),
        ("in three steps", "analyse"),
        ("closing words", "write_suggestion"),
        ("rating form", "rate_listening"),
    ],
)
def test_what_cannot_be_read_is_dropped_and_never_made_up(tmp_path: Path, mark: str, node: str) -> None:
    def broken(whole: Says) -> Says:
        return lambda text: "not JSON" if mark in text else whole(text)

    build(tmp_path, says=broken(writer), rates=broken(rater))
    assert only(tmp_path).node == node
    assert only(tmp_path).reason in ("unreadable", "not_rated") and only(tmp_path).detail


def test_an_annotation_that_cannot_be_read_is_missing(tmp_path: Path) -> None:
    outcome = build(tmp_path, rates=lambda text: "not JSON" if "may have thought" in text else rater(text))
    assert all(turn.thought is None for turn in made(tmp_path).turns)
    assert made(tmp_path).facts["not_annotated"] == 11 and "11 turns in 1 dialogues" in outcome.notes[1]


def rated(values: dict[str, int]) -> Says:
    """A rater that gives each profile's dialogue its own AELS value, told by its feeling."""

    def rates(text: str) -> Any:
        if "rating form" not in text:
            return rater(text)
        name = next(name for name in re.findall(r"weary (\w+)", text) if name in values)
        return {"items": dict.fromkeys(load_scale("aels").item_ids, values[name])}

    return rates


VALUES = {"a": 6, "b": 2, "c": 5, "d": 7, "e": 4, "f": 6, "g": 6, "h": 5}
PEOPLE = [person(name).model_copy(update={"feeling": f"I am weary {name}"}) for name in VALUES]


def test_the_lowest_share_of_ratings_is_dropped_when_all_are_there(tmp_path: Path) -> None:
    outcome = build(tmp_path, rates=rated(VALUES), people=PEOPLE)
    assert outcome.kept == 7
    assert (only(tmp_path).id, only(tmp_path).reason) == ("b.script.0", "low_aels")
    assert "share 4.000 drops 1 (applied), mean 4.000 drops 1" in outcome.notes[0]
    # Another threshold decides anew over all that was rated, without a call.
    mean = build(tmp_path, rates=rated(VALUES), people=PEOPLE, threshold="mean", aels_mean=5.5)
    assert (mean.kept, mean.progress.calls) == (4, 0)
    share = build(tmp_path, rates=rated(VALUES), people=PEOPLE)
    assert share.kept == 7


def test_a_run_that_was_stopped_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    asked: list[str] = []

    def says(text: str) -> Any:
        asked.append(text)
        if len(asked) == 3:
            raise StoppedError("stopped")
        return writer(text)

    stopped = build(tmp_path / "cut", says=says)
    assert stopped.exit_code == 130
    resumed = build(tmp_path / "cut", says=says)
    whole = build(tmp_path / "whole")
    assert (resumed.kept, whole.kept) == (1, 1) and resumed.progress.replayed == 5
    files = [(tmp_path / name / "dialogues.jsonl").read_bytes() for name in ("cut", "whole")]
    assert files[0] == files[1]


def test_a_profile_without_need_is_refused_by_name() -> None:
    bare = person("bare").model_copy(update={"need": None, "chain": [], "memory": []})
    with pytest.raises(CocoonError, match="'bare' has no need"):
        ScriptGenerator(ScriptConfig(), Models(), [bare])


def test_the_shipped_profiles_can_all_be_written_for() -> None:
    assert len(ScriptGenerator(ScriptConfig(), Models(), shipped_profiles()).items()) == len(shipped_profiles())
