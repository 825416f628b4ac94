"""A rater whose own words speak of danger is shown the study owner's lines, and nothing else changes."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from cocoon.human.server import served_study
from cocoon.models.scripted import ScriptedChat
from cocoon.tests.browser import in_browser
from cocoon.tests.human.human_study_cases import TOPIC, agree, both, desk, study

LINES = both("Ring 000 000.")
DANGER = "To be honest, I want to kill myself."


def fails_later(messages: list[BaseMessage], _: dict[str, Any]) -> str:
    """A simulated user that answers the opening alone."""
    if any(message.type == "ai" for message in messages):
        raise RuntimeError("no answer")
    return "Hm."


async def test_words_of_danger_show_the_lines_and_the_talk_goes_on(tmp_path: Path) -> None:
    made = desk(tmp_path, study(tmp_path, parts="chats", crisis_lines=LINES))
    agree(made, "r1")
    before = made.state("r1", "en")
    assert before["texts"]["crisis_lines"] == LINES and not before["flagged"]
    talk = await made.chat("r1", TOPIC, 0, DANGER)
    assert talk["flagged"] and not talk["over"] and talk["turns"][-1] == {"role": "user", "content": "Answer 2."}
    assert made.state("r1", "en")["flagged"] and not made.state("r2", "en")["flagged"]
    later = await made.chat("r1", TOPIC, 0, "Anyway, tell me about your week.")
    assert later["flagged"] and later["over"]
    await made.close()


@pytest.mark.parametrize("words", [DANGER, "我真的不想活了。", "My husband beats me."])
def test_either_language_is_read_whatever_the_page_speaks(tmp_path: Path, words: str) -> None:
    made = desk(tmp_path, study(tmp_path, parts="chats"))
    made.store.say("r1", f"{TOPIC}.0", 0, words)
    assert made.speaks_of_risk("r1") and made.state("r1", "zh")["flagged"]


@pytest.mark.parametrize(
    "words", ["This deadline kills me.", "Goodbye, then.", "Do you think about killing yourself?", "我快被作业逼死了。"]
)
def test_everyday_words_and_a_supporter_who_asks_show_nothing(tmp_path: Path, words: str) -> None:
    made = desk(tmp_path, study(tmp_path, parts="chats"))
    made.store.say("r1", f"{TOPIC}.0", 0, words)
    assert not made.speaks_of_risk("r1")


def test_without_lines_of_its_own_a_study_shows_its_help_line(tmp_path: Path) -> None:
    made = desk(tmp_path, study(tmp_path))
    texts = made.state("r1", "en")["texts"]
    assert texts["crisis_lines"] == texts["help_line"] == both("help_line")


def test_lines_that_are_added_ask_no_rater_for_consent_again(tmp_path: Path) -> None:
    assert study(tmp_path).consent_sha == study(tmp_path, crisis_lines=LINES).consent_sha


@in_browser
async def test_the_page_shows_the_owner_s_words_alone_even_where_the_user_fails(browser: Any, tmp_path: Path) -> None:
    made = desk(tmp_path, study(tmp_path, parts="chats", crisis_lines=LINES), ScriptedChat(script=fails_later))
    token = made.store.enrol(["r1"])["r1"]
    async with served_study(made) as url:
        page = await browser.new_page()
        await page.goto(f"{url}/r/{token}")
        await page.click("#agree")
        await page.wait_for_selector("#say:enabled")
        assert not await page.is_visible("#lines")
        await page.fill("#words", DANGER)
        await page.press("#words", "Control+Enter")
        await page.wait_for_selector("#lines:visible")
        assert "Not saved" in await page.inner_text("#saved")
        assert await page.inner_text("#lines") == LINES["en"]
        await page.reload()
        await page.wait_for_selector("#lines:visible")
        await page.click("#language")
        await page.wait_for_selector(f"#lines:has-text('{LINES['zh']}')")
