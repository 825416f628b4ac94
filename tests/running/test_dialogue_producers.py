"""Every producer of a dialogue fills every field of the record, from what the agents say of themselves."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from cocoon.agents.users.appraiser import RuleAppraiser
from cocoon.agents.users.guarded import GuardedUser
from cocoon.agents.users.trust import TrustGate
from cocoon.core.jsonl import dump_line, read_records
from cocoon.core.records import Dialogue, Profile
from cocoon.models.by_name import Models
from cocoon.models.scripted import ScriptedChat
from cocoon.tests.commands import cocoon
from cocoon.tests.conversations import shipped_profiles
from cocoon.tests.human.human_study_cases import TOPIC, agree, desk, study

ROUNDS = 2
HARD = ["--difficulty", "hard", "--rules", "listening", "--appraiser", "rule"]
PROFILE = next(profile for profile in shipped_profiles() if profile.id == "en-02")


def scripted(folder: Path) -> str:
    file = folder / "user.jsonl"
    file.write_bytes(dump_line("It is nothing."))
    return f"scripted:{file}"


def simulated(folder: Path) -> Dialogue:
    file = folder / "people.jsonl"
    file.write_bytes(dump_line(PROFILE))
    spec = scripted(folder)
    talk = ["--profiles", str(file), "--rounds", str(ROUNDS), "--supporter", f"person={spec}", "--user", spec]
    done = cocoon("simulate", *talk, *HARD, "-o", "form_pairs=0", "--out", str(folder / "run"))
    assert done.code == 0, done.err
    (dialogue,) = read_records(folder / "run" / "dialogues.jsonl", Dialogue)
    return dialogue


def chatted(folder: Path) -> Dialogue:
    typed = "That sounds hard.\nI see.\n/quit\n"
    talk = ["--user", scripted(folder), "--profile", "shipped:en#en-02", *HARD]
    done = cocoon("chat", *talk, "--out", str(folder / "run"), typed=typed)
    assert done.code == 0, done.err
    (dialogue,) = read_records(folder / "run" / "dialogues.jsonl", Dialogue)
    return dialogue


async def rated_async(folder: Path) -> Dialogue:
    made = desk(folder, study(folder, parts="chats"))
    (folder / "profiles.jsonl").write_bytes(dump_line(PROFILE))
    model = Models().wrap("scripted:user", ScriptedChat(replies=["It is nothing."]))
    made.open_user = lambda _: GuardedUser(model, RuleAppraiser(), TrustGate("hard", "listening"))
    agree(made, "r1")
    await made.chat("r1", TOPIC, 0)
    for words in ("That sounds hard.", "I see."):
        await made.chat("r1", TOPIC, 0, words)
    (talk,) = made.store.every_talk()
    await made.close()
    return Dialogue.model_validate_json(talk.dialogue)


def rated(folder: Path) -> Dialogue:
    return asyncio.run(rated_async(folder))


@pytest.mark.parametrize("produce", [simulated, chatted, rated])
def test_every_producer_fills_every_field(produce: Callable[[Path], Dialogue], tmp_path: Path) -> None:
    dialogue = produce(tmp_path)
    assert (dialogue.user_kind, dialogue.difficulty, dialogue.rules) == ("guarded", "hard", "listening")
    assert dialogue.language == dialogue.profile.language == "en"
    assert dialogue.stop_reason in ("rounds", "user_left", "supporter_left")
    assert dialogue.supporter and dialogue.source.endswith(f"({dialogue.profile.source})")
    assert dialogue.licence == dialogue.profile.licence
    assert [turn.role for turn in dialogue.turns[:3]] == ["supporter", "user", "supporter"]
    users = [turn for turn in dialogue.turns if turn.role == "user"]
    assert len(users) >= ROUNDS
    assert all(turn.state is not None and turn.memory is None and turn.calls for turn in users)


@pytest.mark.parametrize("produce", [simulated, chatted, rated])
def test_the_words_of_a_dialogue_are_those_that_were_said(produce: Callable[[Path], Dialogue], tmp_path: Path) -> None:
    dialogue = produce(tmp_path)
    assert {turn.content for turn in dialogue.turns if turn.role == "user"} == {"It is nothing."}
    assert Profile.model_validate(dialogue.profile.model_dump()) == dialogue.profile
