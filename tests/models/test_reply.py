"""The reply contract: a thought is never speech, in whatever form a server gives it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from cocoon.core.records import Role
from cocoon.models.reply import read_message, split_reply

WORDS = "I hear you. It has been a hard week."
THOUGHT = "The person seems sad. Should I ask why?"

FORMS = {
    "think": f"<think>\n{THOUGHT}\n</think>\n\n{WORDS}",
    "capitals and a field": f'<Thinking level="2">{THOUGHT}</Thinking>{WORDS}',
    "thought": f"<thought>{THOUGHT}</thought>\n{WORDS}",
    "reflection": f"<reflection>{THOUGHT}</reflection>\n{WORDS}",
    "reasoning": f"<reasoning>{THOUGHT}</reasoning>\n{WORDS}",
    "closing tag alone": f"{THOUGHT}\n</think>\n\n{WORDS}",
    "brackets": f"[THINK]{THOUGHT}[/THINK]{WORDS}",
    "arrows": f"◁think▷{THOUGHT}◁/think▷{WORDS}",
    "tokens": f"<|begin_of_thought|>{THOUGHT}<|end_of_thought|>\n{WORDS}",
    "capital tokens": f"<|START_THINKING|>{THOUGHT}<|END_THINKING|><|START_RESPONSE|>{WORDS}<|END_RESPONSE|>",
    "channels": f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{WORDS}",
    "channels to the end": (
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{WORDS}<|return|>"
    ),
    "channels without their tokens": f"analysis{THOUGHT}assistantfinal{WORDS}",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_thought_is_kept_apart_from_the_words(form: str) -> None:
    reply = split_reply(FORMS[form], finish="stop", speaker="supporter")
    assert (reply.speech, reply.thought, reply.unended) == (WORDS, THOUGHT, False)
    assert reply.obstacle is None


@pytest.mark.parametrize(
    "text",
    [
        f"<think>\n{THOUGHT}",
        f"Well. <think>{THOUGHT}",
        f"<think>{THOUGHT}</reasoning> {WORDS}",
        f"<|channel|>analysis<|message|>{THOUGHT}",
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant",
        f"analysis{THOUGHT}",
    ],
)
def test_a_thought_that_never_ends_leaves_nothing_to_say(text: str) -> None:
    reply = split_reply(text, finish="length")
    assert reply.speech == "" and reply.unended and THOUGHT in reply.thought
    assert "inside its thought" in str(reply.obstacle)


def test_thoughts_that_name_their_own_tags_end_at_the_last_closing_tag() -> None:
    assert split_reply(f"<think>a <think>b</think> c</think>{WORDS}").speech == WORDS
    assert split_reply(f"<think>shall I use <reasoning>?</think>{WORDS}").speech == WORDS
    assert split_reply("Yes. <think>hm</think> Go on.").speech == "Yes.  Go on."


def test_the_tags_of_trained_supporters_stay_in_speech_and_are_thoughts_in_answers() -> None:
    text = '<analysis>{"score": 1}</analysis>{"score": 2}'
    assert split_reply(text, speaker="supporter").speech == text
    assert split_reply(text, structured=True).speech == '{"score": 2}'


def test_an_answer_that_quotes_tags_and_labels_is_left_whole() -> None:
    text = '{"quote": "User: </think> </s>"}'
    assert split_reply(text, structured=True).speech == text


def test_fields_and_parts_of_a_message_are_read() -> None:
    fields = AIMessage(WORDS, additional_kwargs={"reasoning_content": THOUGHT, "reasoning": THOUGHT})
    parts = AIMessage([{"type": "thinking", "thinking": THOUGHT}, {"type": "text", "text": WORDS}])
    listed = AIMessage([{"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}, WORDS])
    for message in (fields, parts, listed):
        reply = read_message(message)
        assert (reply.speech, reply.thought, reply.finish) == (WORDS, THOUGHT, None)


def test_a_refusal_is_told_with_its_words() -> None:
    reply = read_message(AIMessage("", additional_kwargs={"refusal": "I can't help\nwith that."}))
    assert (reply.finish, reply.obstacle) == ("refused", "refused: I can't help with that.")


@pytest.mark.parametrize(
    ("told", "finish"),
    [
        ("stop", "stop"),
        ("end_turn", "stop"),
        ("MAX_TOKENS", "length"),
        ("length", "length"),
        ("content_filter", "filtered"),
        ("SAFETY", "filtered"),
        ("refusal", "refused"),
        ("error", "error"),
        ("something new", None),
    ],
)
def test_every_word_for_the_end_of_a_reply_is_read(told: str, finish: str | None) -> None:
    assert read_message(AIMessage(WORDS, response_metadata={"finish_reason": told})).finish == finish


@pytest.mark.parametrize(
    ("text", "speaker", "speech", "count"),
    [
        (f"User: {WORDS}", "user", WORDS, 1),
        (f"**Supporter:** {WORDS}", "supporter", WORDS, 1),
        (f"支持者：{WORDS}", "supporter", WORDS, 1),
        (f"用户: {WORDS}", "user", WORDS, 1),
        (f"[3] Supporter: {WORDS}", "supporter", WORDS, 1),
        (f"{WORDS}\n\nSupporter: Tell me more?\n\nUser: No.", "user", WORDS, 2),
        (f"{WORDS}\nUser: No.", "supporter", WORDS, 1),
        (f"User: I am sad.\nSupporter: {WORDS}\nUser: Yes.", "supporter", WORDS, 3),
        (f"User: {WORDS}", "supporter", WORDS, 1),
        ("The user: a person.", "supporter", "The user: a person.", 0),
        (f"{WORDS}<|im_end|>\n<|im_start|>user\nhello", "user", WORDS, 1),
        (f"<|im_start|>assistant\n{WORDS}<|im_end|>", "user", WORDS, 2),
        (f"<|start_header_id|>assistant<|end_header_id|>\n\n{WORDS}<|eot_id|>", "supporter", WORDS, 3),
        (f"{WORDS}</s>", "supporter", WORDS, 1),
        (f"{WORDS} [INST] hello [/INST]", "supporter", WORDS, 1),
        (f"{WORDS}<｜end▁of▁sentence｜>", "supporter", WORDS, 1),
        ("I <3 you [really].", "user", "I <3 you [really].", 0),
    ],
)
def test_what_does_not_belong_to_the_turn_is_cut_off_and_counted(
    text: str, speaker: Role, speech: str, count: int
) -> None:
    reply = split_reply(text, speaker=speaker)
    assert (reply.speech, len(reply.foreign)) == (speech, count)


@given(st.text(st.characters(exclude_characters="<[◁")), st.booleans())
def test_a_text_without_marks_is_kept_to_the_letter(text: str, structured: bool) -> None:
    if not text.strip().startswith("analysis"):
        assert split_reply(text, structured=structured).speech == text


PIECES = st.sampled_from(
    [
        "<think>",
        "</think>",
        "<|channel|>",
        "final",
        "<|message|>",
        "<|end|>",
        "</s>",
        "User: ",
        "\n",
        "a",
        "[THINK]",
        "{",
    ]
)


@given(st.lists(PIECES).map("".join), st.sampled_from(["user", "supporter"]))
def test_any_text_is_told_apart_without_an_error(text: str, speaker: Role) -> None:
    reply = split_reply(text, speaker=speaker)
    assert "think>" not in reply.speech
    assert not (reply.unended and reply.speech)
