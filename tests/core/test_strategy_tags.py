"""Thoughts of a supporter: kept in its own history, shown to nobody else, and never half shown."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cocoon.agents.protocols import user_view
from cocoon.core.errors import CallFailedError
from cocoon.core.records import Thought, Turn
from cocoon.core.strategy_tags import split_thought, with_thought
from cocoon.tests.conversations import Scripted, shipped_profiles

REPLY = "<analysis>They hide <grief>.</analysis>\n<strategy>wait</strategy>\nI am here with you."


@given(st.text(max_size=40), st.text(max_size=40), st.text(min_size=1, max_size=40).map(str.strip).filter(bool))
def test_what_is_put_together_comes_apart_again(analysis: str, strategy: str, words: str) -> None:
    thought = Thought(analysis=analysis.strip(), strategy=strategy.strip())
    parted = split_thought(with_thought(words, thought))
    assert parted is not None
    found, spoken = parted
    assert spoken == words
    assert (found or Thought()) == thought


@pytest.mark.parametrize(
    "reply",
    [
        "<analysis>never closed. I am here.",
        "I am here. <analysis>late</analysis>",
        "<strategy>first</strategy><analysis>second</analysis> I am here.",
        "</analysis> I am here.",
        "<analysis>one</analysis><analysis>two</analysis> I am here.",
    ],
)
def test_a_reply_whose_thoughts_have_no_bounds_is_not_parted(reply: str) -> None:
    assert split_thought(reply) is None


def test_a_thought_that_holds_tags_ends_where_it_ends() -> None:
    text = with_thought("Words.", Thought(analysis="a</analysis>b", strategy="<analysis>c"))
    assert split_thought(text) == (Thought(analysis="a b", strategy="c"), "Words.")


def test_one_of_the_two_may_be_missing_and_plain_words_have_none() -> None:
    assert split_thought("<strategy>wait</strategy> Yes.") == (Thought(strategy="wait"), "Yes.")
    assert split_thought("Plain < words >.") == (None, "Plain < words >.")


async def test_the_user_never_sees_thoughts_and_the_supporter_sees_its_own(tmp_path: Path) -> None:
    cast = Scripted(tmp_path, shipped_profiles()[0], supporter=[REPLY], rounds=2)
    turns, _ = await cast.run()
    spoken = [turn for turn in turns if turn.role == "supporter"]
    assert [turn.content for turn in spoken[1:]] == ["I am here with you."] * 2
    assert all(turn.thought == Thought(analysis="They hide <grief>.", strategy="wait") for turn in spoken[1:])
    assert not any("grief" in prompt for prompt in cast.prompts("user"))
    assert "grief" not in cast.prompts("supporter")[0]
    assert REPLY in cast.prompts("supporter")[1]


async def test_an_unclosed_thought_is_asked_for_again(tmp_path: Path) -> None:
    torn = "<analysis>They hide gri"
    cast = Scripted(tmp_path, shipped_profiles()[0], supporter=[torn, REPLY], rounds=1)
    turns, _ = await cast.run()
    assert turns[-1].content == "I am here with you."
    assert len(turns[-1].calls) == 2


async def test_three_unclosed_thoughts_fail_and_nothing_of_them_is_said(tmp_path: Path) -> None:
    cast = Scripted(tmp_path, shipped_profiles()[0], supporter=["<analysis>gri"], rounds=1)
    with pytest.raises(CallFailedError, match="cannot be used"):
        await cast.run()


def test_a_users_own_turns_hold_no_thoughts() -> None:
    turns = [Turn(role="user", content="Hm.", thought=Thought(analysis="a"))]
    view = user_view(shipped_profiles()[0], turns)
    assert view.chat("s")[1]["content"] == "Hm."
