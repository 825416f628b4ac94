"""The user's side: the prompt of the guarded user at every turn, of which the reply alone is trained."""

from pathlib import Path
from typing import Any

import pytest

from cocoon.agents.protocols import user_view
from cocoon.agents.users.guarded import turn_prompt
from cocoon.agents.users.trust import TrustGate
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_records
from cocoon.core.records import ChainStep, Dialogue, Memory, Profile, Turn, UserState
from cocoon.models.local.weights import load_weights
from cocoon.tests.models.local.chat_styles import STYLES, learnt
from cocoon.tests.models.local.tiny_models import tiny_folder
from cocoon.tests.training.training_cases import talk, write_talks
from cocoon.training.adapters.attach import attach
from cocoon.training.config import TrainConfig
from cocoon.training.data.labels import Encoded, Encoder, decode_trained
from cocoon.training.data.rows import encode_rows
from cocoon.training.data.user_rows import user_replies
from cocoon.training.fit.sft import train
from cocoon.training.llama_factory import hand_over

SCRIPTS = Path(__file__).resolve().parents[2] / "examples" / "open"
NEED = "I want my brother to ask me back to the boat"
EVENT = "In March my brother sold the boat to a dentist from Malmo and told me on the phone"
SURFACE = "I want a free Sunday to sort the garage"


def person(**changes: object) -> Profile:
    given = {
        "id": "p",
        "feeling": "I feel left over",
        "need": NEED,
        "chain": [ChainStep(need=SURFACE), ChainStep(need=NEED, difficulty=3, reason="far")],
        "memory": [Memory(text=EVENT, chain_node=1)],
    }
    return Profile.model_validate(given | {"language": "en"} | changes)


def dialogue(*said: str, profile: Profile | None = None, states: dict[int, UserState] | None = None) -> Dialogue:
    turns = [
        Turn(role="user" if place % 2 else "supporter", content=words, state=(states or {}).get(place))
        for place, words in enumerate(said)
    ]
    return Dialogue(id="d", profile=profile or person(), supporter="x", language="en", turns=turns)


SAID = (
    "You look tired.",
    "A bit.",
    "It weighs on you.",
    "He sold the boat in March, told me on the phone, my own brother.",
    "That stays with you.",
    "It does.",
)


def test_a_layer_is_in_the_prompt_from_the_turn_that_tells_of_it() -> None:
    rows = list(user_replies(dialogue(*SAID)))
    prompts = ["\n".join(message["content"] for message in messages[:-1]) for messages in rows]
    assert [messages[-1] for messages in rows] == [{"role": "assistant", "content": SAID[n]} for n in (1, 3, 5)]
    assert [SURFACE in prompt for prompt in prompts] == [True, True, True]
    assert [NEED in prompt for prompt in prompts] == [False, True, True]
    assert [EVENT in prompt for prompt in prompts] == [False, True, True]
    assert ["only just become clear" in prompt for prompt in prompts] == [False, True, False]
    assert [f"You are {how}." in prompt for how, prompt in zip(("closed", "open", "open"), prompts, strict=True)] == [
        True
    ] * 3


def test_a_recorded_state_decides_and_not_the_words() -> None:
    closed = UserState(trust=0, unlocked=[0], memories=[])
    rows = list(user_replies(dialogue(*SAID, states={1: closed, 3: closed, 5: closed})))
    assert not any(NEED in message["content"] for messages in rows for message in messages)


@pytest.mark.parametrize("difficulty", ["easy", "normal", "hard"])
def test_the_prompt_is_that_of_the_user_who_made_the_dialogue(difficulty: Any) -> None:
    gate = TrustGate(difficulty)
    for trust in (-2.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0):
        state = gate.begin(person()).model_copy(update={"trust": trust})
        made = dialogue(*SAID, states={1: state, 3: state, 5: state}).model_copy(
            update={"difficulty": difficulty, "rules": "attuned"}
        )
        for index, messages in zip((1, 3, 5), user_replies(made), strict=True):
            assert messages[:-1] == turn_prompt(user_view(made.profile, made.turns[:index]), state, gate)


def test_words_that_a_wish_above_shares_open_nothing() -> None:
    surface, need = (
        "I want my brother to fix the engine of the boat",
        "I want my brother to ask me along on the boat trip",
    )
    chain = [ChainStep(need=surface), ChainStep(need=need, difficulty=3, reason="far")]
    profile = person(chain=chain, need=need, memory=[])
    talk_of_it = (
        "You look tired.",
        f"{surface}, this summer.",
        "It weighs on you.",
        "No. He could ask me along on that trip.",
    )
    rows = list(user_replies(dialogue(*talk_of_it, profile=profile)))
    assert [need in "".join(m["content"] for m in messages[:-1]) for messages in rows] == [False, True]


def test_a_short_wish_and_a_memory_without_a_layer_open_where_they_are_told() -> None:
    need = "I want to be seen by my wife"
    chain = [ChainStep(need=SURFACE), ChainStep(need=need, difficulty=3, reason="far")]
    profile = person(chain=chain, need=need, memory=[Memory(text=EVENT)])
    for words in ("I want to be seen by my wife.", SAID[3]):
        rows = list(user_replies(dialogue("You look tired.", "A bit.", "It weighs.", words, profile=profile)))
        assert [need in "".join(m["content"] for m in messages[:-1]) for messages in rows] == [False, True]


def test_what_is_open_stays_open_in_a_turn_without_a_state_and_nothing_else_opens() -> None:
    opened = UserState(trust=3, unlocked=[0, 1], newly=[1], memories=[0])
    rows = list(user_replies(dialogue(*SAID, states={3: opened})))
    prompts = ["".join(message["content"] for message in messages[:-1]) for messages in rows]
    assert [NEED in prompt for prompt in prompts] == [False, True, True]
    assert ["only just become clear" in prompt for prompt in prompts] == [False, True, False]
    closed = UserState(trust=0, unlocked=[0], memories=[])
    rows = list(user_replies(dialogue(*SAID, states={1: closed})))
    assert not any(NEED in message["content"] for messages in rows for message in messages)


def test_a_state_of_another_profile_is_told() -> None:
    foreign = UserState(trust=3, unlocked=[0, 5], memories=[])
    with pytest.raises(CocoonError, match="dialogue 'd', turn 3: its recorded state names a wish or a memory"):
        list(user_replies(dialogue(*SAID, states={3: foreign})))


@pytest.mark.parametrize("style", STYLES)
def test_turns_without_words_are_no_turns(style: str) -> None:
    template, end = learnt(*STYLES[style]), STYLES[style][1]
    encoder = Encoder(template, [template.tokenizer.eos_token_id], max_length=10_000)
    found = [encoder.encode_reply(m) for m in user_replies(dialogue("Hi.", "  ", "Well.", "Third.", " ", "Fourth."))]
    assert [decode_trained(template.tokenizer, row) for row in found if isinstance(row, Encoded)] == [
        ["Third." + end],
        ["Fourth." + end],
    ]


def test_without_a_chain_nothing_of_a_need_is_told() -> None:
    rows = list(user_replies(dialogue(*SAID, profile=person(chain=[], memory=[]))))
    assert len(rows) == 3 and not any(NEED in message["content"] for messages in rows for message in messages)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_in_every_shipped_script_the_need_opens_late_and_before_it_is_in_no_prompt(language: str) -> None:
    for one in read_records(SCRIPTS / f"scripts.{language}.jsonl", Dialogue):
        rows = list(user_replies(one))
        holds = ["\n".join(m["content"] for m in messages[:-1]).count(str(one.profile.need)) > 0 for messages in rows]
        assert holds == sorted(holds), one.id
        assert not any(holds[:2]) and holds[-1], one.id


@pytest.mark.parametrize("style", STYLES)
def test_the_reply_alone_is_trained_after_the_prompt_that_inference_sends(style: str) -> None:
    template, end = learnt(*STYLES[style]), STYLES[style][1]
    encoder = Encoder(template, [template.tokenizer.eos_token_id], max_length=10_000)
    for messages in user_replies(dialogue(*SAID)):
        row = encoder.encode_reply(messages)
        assert isinstance(row, Encoded)
        assert decode_trained(template.tokenizer, row) == [messages[-1]["content"] + end]
        assert row.input_ids[: len(row.labels) - row.trained] == template.ids(messages[:-1])


def test_rows_of_both_roles_are_counted_by_dialogue_and_a_row_that_does_not_fit_is_told() -> None:
    template = learnt(*STYLES[next(iter(STYLES))])
    encoder = Encoder(template, [template.tokenizer.eos_token_id], max_length=10_000)
    one = dialogue(*SAID)
    both = encode_rows([one, one], encoder, lambda _: "Be kind.", "both")
    assert (both.dialogues, len(both.rows), both.turns, len(both.people)) == (2, 8, 12, 1)
    assert [encode_rows([one], encoder, lambda _: "", role).turns for role in ("user", "supporter")] == [3, 3]
    encoder.max_length = 200
    short = encode_rows([one], encoder, lambda _: "Be kind.", "both")
    assert (short.dialogues, short.dropped, short.left_out) == (1, {}, {"too_long": 3})
    assert encode_rows([dialogue("You look tired.")], encoder, lambda _: "", "user").dropped == {"no_user_turn": 1}


def test_a_users_adapter_says_so_and_is_not_handed_to_llama_factory(loaded_once: None, tmp_path: Path) -> None:
    base = tiny_folder(tmp_path / "base", context=4096)
    dialogues = write_talks(tmp_path / "dialogues.jsonl", [talk(number, 3) for number in range(4)])
    given = TrainConfig.model_validate(
        {
            "base": f"local:{base}",
            "dialogues": [str(dialogues)],
            "data": {"role": "user", "max_length": 4096, "validation": 0.2, "near_duplicate": None},
            "lora": {"rank": 4},
            "fit": {"steps": 1, "dtype": "float32", "accumulate": 1, "checkpointing": False},
        }
    )
    card = train(given, tmp_path / "adapter")
    assert (card.role, card.thoughts) == ("user", "none")
    assert set(card.prompt_shas) == {
        f"user/{name}.{language}" for name in ("guarded", "moment") for language in ("en", "zh")
    }
    facts = attach(load_weights(str(base), "cpu", "float32"), tmp_path / "adapter").facts()
    assert facts["role"] == "user" and "prompt" not in facts
    assert "Role: user. System prompt: that of the guarded user." in (tmp_path / "adapter/README.md").read_text("utf-8")
    with pytest.raises(CocoonError, match="only the supporter's replies are handed over"):
        hand_over(given, "llama3", tmp_path / "factory")
