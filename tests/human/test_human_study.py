"""Studies with people without a browser: assignment, answers, tokens, chats, withdrawal."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from scipy import stats

from cocoon.core.errors import CocoonError, StoppedError
from cocoon.core.jsonl import dump_line
from cocoon.evaluation.scales.scoring import load_scale
from cocoon.human.answers import InvalidAnswerError
from cocoon.human.items import Material
from cocoon.human.results import people_choices, ratings_of
from cocoon.human.server import served_study
from cocoon.human.store import HumanStore
from cocoon.human.study import Words, load_study
from cocoon.models.scripted import ScriptedChat
from cocoon.tests.human.human_study_cases import (
    PAPER,
    TOPIC,
    agree,
    as_yaml,
    desk,
    dialogue,
    prefer,
    rate,
    study,
)


def test_orders_and_positions_are_balanced_over_forty_raters_and_come_from_the_seed(tmp_path: Path) -> None:
    given = study(tmp_path, parts="pairs", raters=40)
    material = Material.of(given)
    shown = {rater: material.assigned(rater) for rater in given.names}
    for item in material.items:
        swapped = sum(one.swapped for some in shown.values() for one in some if one.item == item)
        assert swapped == 20
        first = sum(some[0].item == item for some in shown.values())
        assert 10 <= first <= 30
    assert {rater: Material.of(given).assigned(rater) for rater in given.names} == shown
    other = Material.of(study(tmp_path, parts="pairs", raters=40, seed=1))
    assert {rater: other.assigned(rater) for rater in given.names} != shown


def test_shares_of_items_are_balanced_within_binomial_bounds_over_forty_raters(tmp_path: Path) -> None:
    three = {"conditions": "full,no-memory,no-memory-need", "per_rater": 5}
    given = study(tmp_path, parts="chats", raters=40, chats={"profiles": str(tmp_path / "profiles.jsonl"), **three})
    topics = [dialogue(f"t{number}").profile for number in range(12)]
    (tmp_path / "profiles.jsonl").write_bytes(b"".join(map(dump_line, topics)))
    material = Material.of(given)
    shown = [material.assigned(rater) for rater in given.names]
    assert len(material.items) == 24 and all(len({one.item for one in some}) == 5 for some in shown)
    outside = 0
    for item in material.items:
        places = [(place, one.swapped) for some in shown for place, one in enumerate(some) if one.item == item]
        assert len(places) in (8, 9)
        for count, chance in (
            (sum(swapped for _, swapped in places), 1 / 2),
            (sum(place == 0 for place, _ in places), 1 / 5),
        ):
            low, high = stats.binom.interval(0.99, len(places), chance)
            outside += not low <= count <= high
    assert outside <= 2
    swapped = sum(one.swapped for some in shown for one in some)
    low, high = stats.binom.interval(0.99, 200, 0.5)
    assert low <= swapped <= high


def test_shares_of_items_go_round_the_raters(tmp_path: Path) -> None:
    given = study(tmp_path, parts="likert", raters=6)
    assert given.likert is not None
    given = given.model_copy(update={"likert": given.likert.model_copy(update={"per_rater": 1})})
    material = Material.of(given)
    names = [material.assigned(rater)[0].item for rater in given.names]
    assert sorted(names.count(item) for item in material.items) == [2, 2, 2]


def test_nothing_is_taken_before_consent_to_the_text_that_was_shown(tmp_path: Path) -> None:
    made = desk(tmp_path, study(tmp_path))
    assert made.state("r1", "en")["phase"] == "consent"
    with pytest.raises(InvalidAnswerError, match="before consent"):
        made.answer("r1", "likert:d0", "basic:1", 3)
    with pytest.raises(InvalidAnswerError, match="has changed"):
        made.consent("r1", "another text")
    agree(made, "r1")
    assert made.state("r1", "en")["phase"] == "item"


def test_the_hash_of_the_consent_stands_beside_every_answer_and_its_text_is_kept(tmp_path: Path) -> None:
    given = study(tmp_path, parts="likert", raters=1)
    made = desk(tmp_path, given)
    agree(made, "r1")
    rate(made, "r1", "likert:d0", 4)
    other = given.model_copy(update={"consent": Words(en="another text", zh="另一段话")})
    changed = desk(tmp_path, other)
    assert changed.state("r1", "en")["phase"] == "consent"
    agree(changed, "r1")
    rate(changed, "r1", "likert:d1", 4)
    shas = {one.item: one.consent for one in changed.store.every_answer()}
    assert shas == {"likert:d0": given.consent_sha, "likert:d1": other.consent_sha} and len(set(shas.values())) == 2
    assert [changed.store.text_of(sha) for sha in shas.values()] == [given.consent_text, other.consent_text]


@pytest.mark.parametrize(
    ("item", "key", "value"),
    [
        ("likert:d0", "basic:1", 11),
        ("likert:d0", "basic:1", "5"),
        ("likert:d0", "basic:99", 5),
        ("pair:t0:s:0:full:no-memory", "role_consistency", "third"),
        ("likert:nothing", "basic:1", 5),
        ("likert:d0", "done", True),
    ],
)
def test_what_is_no_answer_is_refused(tmp_path: Path, item: str, key: str, value: Any) -> None:
    made = desk(tmp_path, study(tmp_path))
    agree(made, "r1")
    with pytest.raises(InvalidAnswerError):
        made.answer("r1", item, key, value)
    assert list(made.store.every_answer()) == []


def test_a_missing_answer_is_missing_and_no_number(tmp_path: Path) -> None:
    made = desk(tmp_path, study(tmp_path, parts="likert"))
    agree(made, "r1")
    for name in load_scale("basic").item_ids:
        made.answer("r1", "likert:d0", f"basic:{name}", None if name == "3" else 6)
    made.answer("r1", "likert:d0", "done", True)
    (rating,) = ratings_of(made.material, made.store.every_answer())
    assert (rating.items["3"], rating.dimensions["empathy"], rating.dimensions["fluency"]) == (None, None, 60.0)
    assert rating.missing == {"3": "cannot tell"} and rating.judge == "human:r1"


def test_skipped_items_and_unfinished_ones_are_no_ratings(tmp_path: Path) -> None:
    made = desk(tmp_path, study(tmp_path, parts="likert"))
    agree(made, "r1")
    made.answer("r1", "likert:d0", "basic:1", 6)
    made.answer("r1", "likert:d1", "basic:1", 6)
    made.answer("r1", "likert:d1", "skipped", True)
    assert ratings_of(made.material, made.store.every_answer()) == []
    assert made.state("r1", "en")["progress"] == {"done": 0, "skipped": 1, "of": 3}


def test_a_skipped_item_can_be_taken_up_again_and_a_done_one_changed(tmp_path: Path) -> None:
    made = desk(tmp_path, study(tmp_path, parts="likert", raters=1))
    agree(made, "r1")
    first, second, _ = (shown.item for shown in made.material.assigned("r1"))
    made.answer("r1", first, "skipped", True)
    state = made.state("r1", "en")
    assert state["item"]["id"] == made.code("r1", second) and state["before"] == made.code("r1", first)
    again = made.state("r1", "en", state["before"])
    assert again["item"]["id"] == state["before"] and again["before"] is None
    rate(made, "r1", first, 6)
    assert made.state("r1", "en")["progress"] == {"done": 1, "skipped": 0, "of": 3}
    made.answer("r1", first, "basic:1", 9)
    (rating,) = ratings_of(made.material, made.store.every_answer())
    assert rating.items["1"] == 9


def test_nothing_that_a_page_is_sent_tells_of_conditions_supporters_or_models(tmp_path: Path) -> None:
    given = study(tmp_path)
    for condition in PAPER.split(","):
        file = tmp_path / "ablation" / "conditions" / condition / "dialogues.jsonl"
        file.write_bytes(file.read_bytes().replace(f"I am the {condition} one.".encode(), b"Hm."))
    made = desk(tmp_path, given)
    codes = set()
    for rater in given.names:
        agree(made, rater)
        for shown in made.material.assigned(rater):
            state = made.state(rater, "en")
            told = json.dumps(state)
            assert not any(word in told for word in ("memory", "full", '"s"', "swapped", "scripted", shown.item))
            codes.add(state["item"]["id"])
            made.answer(rater, shown.item, "skipped", True)
    # An id says nothing across raters either, and is the same after a restart.
    assert len(codes) == 2 * len(made.material.items)
    assert desk(tmp_path, given).code("r1", TOPIC) == made.code("r1", TOPIC)


def test_winners_are_conditions_wherever_they_stood(tmp_path: Path) -> None:
    made = desk(tmp_path, study(tmp_path, parts="pairs", raters=4))
    for rater in made.material.study.names:
        agree(made, rater)
        for item in made.material.items:
            prefer(made, rater, item, "full")
    choices = people_choices(made.material, made.store.every_answer())
    assert len(choices) == 4 * 2 * 3 and {choice.winner for choice in choices} == {"full"}
    assert {choice.first for choice in choices} == set(PAPER.split(","))


async def test_a_chat_drives_the_real_graph_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    given = study(tmp_path, parts="chats")
    made = desk(tmp_path, given)
    agree(made, "r1")
    begun = await made.chat("r1", TOPIC, 0, None)
    assert [turn["role"] for turn in begun["turns"]] == ["supporter", "user"] and not begun["over"]
    first = await made.chat("r1", TOPIC, 0, "I see that you are tired.")
    await made.close()

    def silent(*_: Any) -> str:
        raise StoppedError("no call may be made for what was answered before")

    again = desk(tmp_path, given, ScriptedChat(script=silent))
    resumed = await again.chat("r1", TOPIC, 0, None)
    assert resumed == first
    await again.close()
    last = desk(tmp_path, given)
    ended = await last.chat("r1", TOPIC, 0, "That must be hard.")
    assert ended["over"] and [turn["content"] for turn in ended["turns"]][-1] == "That must be hard."
    second = await last.chat("r1", TOPIC, 1, None)
    assert len(second["turns"]) == 2
    await last.close()


async def test_a_simulated_user_that_fails_is_told_and_nothing_said_is_lost(tmp_path: Path) -> None:
    given = study(tmp_path, parts="chats")
    made = desk(tmp_path, given, ScriptedChat(replies=[""]))
    agree(made, "r1")
    with pytest.raises(InvalidAnswerError, match="no answer"):
        await made.chat("r1", TOPIC, 0, None)
    await made.close()


async def test_words_that_are_sent_again_after_an_error_are_said_once(tmp_path: Path) -> None:
    replies = iter(["Answer 1.", "", "", ""])
    made = desk(
        tmp_path,
        study(tmp_path, parts="chats"),
        ScriptedChat(script=lambda _messages, _options: next(replies, "Answer 2.")),
    )
    agree(made, "r1")
    await made.chat("r1", TOPIC, 0)
    with pytest.raises(InvalidAnswerError, match="no answer"):
        await made.chat("r1", TOPIC, 0, "I hear you.", 0)
    again = await made.chat("r1", TOPIC, 0, "I hear you.", 0)
    assert [turn["content"] for turn in again["turns"]][1:] == ["Answer 1.", "I hear you.", "Answer 2."]
    await made.close()


async def test_a_token_opens_its_own_page_alone(tmp_path: Path) -> None:
    given = study(tmp_path)
    made = desk(tmp_path, given)
    tokens = made.store.enrol(given.names)
    assert len(set(tokens.values())) == 2 and all(len(token) >= 32 for token in tokens.values())
    agree(made, "r1")
    agree(made, "r2")
    async with served_study(made) as url, aiohttp.ClientSession() as session:

        async def post(token: str, what: str, body: Any, **more: Any) -> int:
            async with session.post(f"{url}/api/{token}/{what}", json=body, **more) as answer:
                return answer.status

        answer = {"item": made.code("r1", "likert:d0"), "key": "basic:1", "value": 5}
        assert await post(tokens["r1"], "answer", answer) == 200
        # Another rater's id of the same item opens nothing, and neither does the item's name.
        for stray in (made.code("r2", "likert:d0"), "likert:d0"):
            assert await post(tokens["r1"], "answer", answer | {"item": stray}) == 409
        assert [one.rater for one in made.store.every_answer()] == ["r1"]
        assert made.store.answers_of("r2", "likert:d0") == {}
        for token in ("wrong", "r1", tokens["r1"][:-1], tokens["r1"] + "x"):
            assert await post(token, "answer", answer) == 404
            async with session.get(f"{url}/r/{token}") as page:
                assert page.status == 404 and "rating" not in (await page.text())
        assert await post(tokens["r1"], "answer", answer, headers={"Host": "evil.example"}) == 403
        assert await post(tokens["r1"], "answer", answer, headers={"Origin": "https://evil.example"}) == 403
        async with session.post(f"{url}/api/{tokens['r1']}/answer", data="x") as plain:
            assert plain.status == 415
        assert await post(tokens["r1"], "answer", [1]) == 400
        for value in (99, True, 5.0, "5", [5], {"a": 1}):
            assert await post(tokens["r1"], "answer", answer | {"value": value}) == 409
        assert await post(tokens["r1"], "answer", answer | {"key": "done", "value": 0}) == 409
        assert await post(tokens["r1"], "answer", answer | {"more": "x" * 70_000}) == 413
        topic = {"item": made.code("r1", TOPIC), "which": 0}
        for change in ({"which": True}, {"which": 2}, {"which": None}, {"text": "x" * 4_001}):
            assert await post(tokens["r1"], "chat", topic | change) == 409
        assert await post(tokens["r1"], "chat", topic | {"text": "half a \ud800 character", "turn": 0}) == 200
        async with session.get(f"{url}/r/{tokens['r1']}") as page:
            policy = page.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy
            assert page.headers["Referrer-Policy"] == "no-referrer" and page.headers["Cache-Control"] == "no-store"
        async with session.get(f"{url}/r/wrong") as page:
            assert page.headers["Content-Security-Policy"] == policy
        async with session.get(f"{url}/static/../human_desk.py") as stray:
            assert stray.status == 404


def test_a_folder_of_another_study_is_refused(tmp_path: Path) -> None:
    HumanStore(tmp_path / "a.sqlite", "one").close()
    with pytest.raises(CocoonError, match="started with other raters"):
        HumanStore(tmp_path / "a.sqlite", "two")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"raters": ["a", "a"]}, "name each rater once"),
        ({"raters": ["a b"]}, "a pseudonym is one word"),
        ({"likert": None, "pairs": None, "chats": None}, "nothing to rate"),
        ({"consents": "x"}, "consents"),
    ],
)
def test_a_broken_study_names_file_and_key(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    plain = json.loads(as_yaml(study(tmp_path)))
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(plain | change), "utf-8")
    with pytest.raises(CocoonError) as error:
        load_study(file)
    assert str(file) in str(error.value) and told in str(error.value) and "\n" not in str(error.value)
