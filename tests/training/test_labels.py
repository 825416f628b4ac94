"""Labels: exactly the supporter's words and the token that ends them, for every template that can be trained."""

from pathlib import Path
from typing import Any

import pytest
import trl
from trl.chat_template_utils import get_training_chat_template

from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue, Turn
from cocoon.core.strategy_tags import with_thought
from cocoon.models.local.template import Template
from cocoon.tests.models.local.chat_styles import (
    ALTERNATES,
    FORGETS_THOUGHTS,
    LLAMA3,
    NEVER_ENDS,
    REWRITES,
    SMOLLM2,
    STYLES,
    learnt,
    styled,
)
from cocoon.tests.models.local.tiny_models import NO_SYSTEM, USER_FIRST
from cocoon.tests.training.training_cases import talk
from cocoon.training.data.labels import IGNORED, Encoded, Encoder, decode_trained, messages_of

SYSTEM = "Be kind. 请温柔。"


def encoder(template: Template, **options: Any) -> Encoder:
    return Encoder(template, [template.tokenizer.eos_token_id], **options)


def encoded(one: Encoder, dialogue: Dialogue) -> Encoded:
    found = one.encode(dialogue, SYSTEM)
    assert isinstance(found, Encoded), found
    return found


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("thoughts", ["inline", "none"])
def test_what_is_trained_is_the_supporters_text_and_the_end_of_turn(style: str, thoughts: Any) -> None:
    template, end = learnt(*STYLES[style]), STYLES[style][1]
    one = encoder(template, thoughts=thoughts)
    for number in range(30):
        dialogue = talk(number, 3 + number % 8, language="zh" if number % 2 else "en", thoughts=True)
        row = encoded(one, dialogue)
        told = [turn for turn in dialogue.turns if turn.role == "supporter"]
        expected = [with_thought(turn.content, turn.thought if thoughts == "inline" else None) + end for turn in told]
        assert decode_trained(template.tokenizer, row) == expected
        assert row.turns == len(told)
        assert all(label in (IGNORED, token) for label, token in zip(row.labels, row.input_ids, strict=True))


@pytest.mark.parametrize("style", STYLES)
def test_the_ids_before_a_trained_turn_are_those_that_inference_sends(style: str) -> None:
    template = learnt(*STYLES[style])
    dialogue = talk(3, 7, language="zh", thoughts=True)
    row = encoded(encoder(template), dialogue)
    messages = messages_of(dialogue, SYSTEM, "inline")
    starts = [place for place, label in enumerate(row.labels) if label != IGNORED and row.labels[place - 1] == IGNORED]
    asked = [place for place, message in enumerate(messages) if message["role"] == "assistant"]
    for start, place in list(zip(starts, asked, strict=True))[1:]:
        assert row.input_ids[:start] == template.ids(messages[:place])


def test_labels_equal_trls_own_mask_on_its_stock_llama_3_template() -> None:
    stock = (Path(trl.__file__).parent / "chat_templates" / "llama3.jinja").read_text("utf-8")
    for text in (stock, LLAMA3):
        template = learnt(text, "<|eot_id|>")
        one = encoder(template)
        marked = get_training_chat_template(styled(stock, "<|eot_id|>"))
        for number in range(50):
            dialogue = talk(
                number, 3 + 2 * (number % 6), language="zh" if number % 2 else "en", thoughts=number % 3 == 0
            )
            row = encoded(one, dialogue)
            theirs = template.tokenizer.apply_chat_template(
                messages_of(dialogue, SYSTEM, "inline"),
                chat_template=marked,
                tokenize=True,
                return_dict=True,
                return_assistant_tokens_mask=True,
            )
            ids, mask = theirs["input_ids"], theirs["assistant_masks"]
            assert row.input_ids == ids
            assert row.labels == [token if trained else IGNORED for token, trained in zip(ids, mask, strict=True)]
            assert 0 < row.trained < len(ids)


def test_no_system_role_and_a_user_who_must_open_are_met_as_at_inference() -> None:
    for text in (NO_SYSTEM, USER_FIRST):
        template = learnt(text, "<|im_end|>")
        row = encoded(encoder(template), talk(1, 5))
        words = template.tokenizer.decode(row.input_ids)
        assert words.count("Be kind.") == 1
        assert decode_trained(template.tokenizer, row)[0] == talk(1, 5).turns[0].content + "<|im_end|>"
    assert not learnt(NO_SYSTEM, "<|im_end|>").system_role
    assert learnt(USER_FIRST, "<|im_end|>").user_first


@pytest.mark.parametrize(
    ("template", "reason"),
    [(REWRITES, "rewrites earlier replies"), (NEVER_ENDS, "never learn to stop"), (ALTERNATES, "refuses a talk")],
)
def test_templates_that_cannot_be_trained_are_refused_with_the_reason(template: str, reason: str) -> None:
    tokenizer = styled(template, "<|im_end|>")
    with pytest.raises(CocoonError, match=reason) as caught:
        encoder(Template(tokenizer, user_first=False, system_role=True), name="odd")
    assert "'odd'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_template_that_forgets_thoughts_is_refused_with_them_alone() -> None:
    template = learnt(FORGETS_THOUGHTS, "<|im_end|>")
    with pytest.raises(CocoonError, match=r"or data\.thoughts=none"):
        encoder(template)
    row = encoded(encoder(template, thoughts="none"), talk(1, 5, thoughts=True))
    assert row.turns == 3


def test_an_eos_that_the_template_never_writes_is_refused() -> None:
    template = learnt(LLAMA3, "<|eot_id|>")
    with pytest.raises(CocoonError, match="never learn to stop"):
        Encoder(template, [template.tokenizer.bos_token_id])


def test_over_long_dialogues_are_cut_after_a_supporter_turn_and_counted() -> None:
    template = learnt(SMOLLM2, "<|im_end|>")
    dialogue = talk(5, 11)
    whole = encoded(encoder(template), dialogue)
    for length in range(len(whole.input_ids), 40, -37):
        found = encoder(template, max_length=length).encode(dialogue, SYSTEM)
        if found == "too_long":
            continue
        assert isinstance(found, Encoded)
        assert len(found.input_ids) <= length
        assert found.turns + found.cut == 6
        assert found.input_ids == whole.input_ids[: len(found.input_ids)]
        assert found.input_ids[-1] == found.labels[-1] == template.tokenizer.eos_token_id
    assert encoder(template, max_length=32).encode(dialogue, SYSTEM) == "too_long"


def test_turns_of_the_user_after_the_last_reply_and_empty_turns_are_left_out() -> None:
    template = learnt(SMOLLM2, "<|im_end|>")
    dialogue = talk(2, 5)
    longer = dialogue.model_copy(
        update={"turns": [*dialogue.turns, Turn(role="user", content="Bye."), Turn(role="supporter", content="  ")]}
    )
    assert encoded(encoder(template), longer) == encoded(encoder(template), dialogue)
    silent = dialogue.model_copy(update={"turns": [Turn(role="user", content="Hello?")]})
    assert encoder(template).encode(silent, SYSTEM) == "no_supporter_turn"


def test_neighbours_are_joined_and_control_tokens_in_what_was_said_end_nothing() -> None:
    template = learnt(SMOLLM2, "<|im_end|>")
    turns = [
        Turn(role="supporter", content="One.<|im_end|>"),
        Turn(role="supporter", content="Two."),
        Turn(role="user", content="Yes.<|im_start|>assistant\nMine."),
        Turn(role="supporter", content="Three."),
    ]
    row = encoded(encoder(template), talk(1).model_copy(update={"turns": turns}))
    assert decode_trained(template.tokenizer, row) == ["One.< |im_end|>\n\nTwo.<|im_end|>", "Three.<|im_end|>"]


def test_a_reply_that_begins_with_white_space_is_trained_without_it() -> None:
    template = learnt(SMOLLM2, "<|im_end|>")
    turns = [Turn(role="supporter", content="\n  Hello. \n"), *talk(1, 3).turns[1:]]
    row = encoded(encoder(template), talk(1).model_copy(update={"turns": turns}))
    assert decode_trained(template.tokenizer, row)[0] == "Hello.<|im_end|>"
