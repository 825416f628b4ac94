"""Profiles in the other language: piece by piece, named after their originals, or dropped with the reason."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from cocoon.core.errors import CocoonError
from cocoon.core.records import Dropped, Failure, Profile
from cocoon.models.by_name import Models
from cocoon.models.scripted import ScriptedChat
from cocoon.running.building.config import TranslationConfig, WriterConfig
from cocoon.running.building.generation import Generated, generate
from cocoon.running.building.translations import TranslationGenerator
from cocoon.running.folder import read_run
from cocoon.tests.commands import cocoon, endpoint
from cocoon.tests.conversations import shipped_profiles

CHINESE = [profile for profile in shipped_profiles() if profile.language == "zh"]
ENGLISH = [profile for profile in shipped_profiles() if profile.language == "en"]


def answer(target: Profile, original: Profile) -> dict[str, Any]:
    """Another shipped person's texts, cut to the number of pieces of the original."""
    needs = [step.need for step in target.chain]
    texts = [memory.text for memory in target.memory] * 2
    return {
        "scenario": target.scenario,
        "emotion": target.emotion,
        "feeling": target.feeling,
        "chain": [needs[0], needs[-1]] if len(original.chain) == 2 else needs[: len(original.chain)],
        "memory": texts[: len(original.memory)],
    }


def run(out: Path, said: Any, original: Profile) -> Generated:
    text = said if isinstance(said, str) else json.dumps(said)

    def script(messages: list[BaseMessage], _: dict[str, Any]) -> str:
        return text

    models = Models()
    models.wrap("scripted:writer", ScriptedChat(script=script))
    config = TranslationConfig(writer=WriterConfig(model="scripted:writer"), to="en")
    generator = TranslationGenerator(config, models, [original])
    return asyncio.run(generate(generator, generator.items(), config, models, out))


def fitting() -> tuple[Profile, Profile]:
    """A Chinese and an English profile of equal shape."""
    return next(
        (one, other)
        for one in CHINESE
        for other in ENGLISH
        if (len(one.chain), len(one.memory)) == (len(other.chain), len(other.memory))
    )


def test_a_translation_keeps_the_structure_and_names_its_original(tmp_path: Path) -> None:
    original, target = fitting()
    outcome = run(tmp_path, answer(target, original), original)
    (made,) = read_run(tmp_path, "profiles.jsonl", Profile)
    assert outcome.kept == 1 and "reviewed: false" in outcome.notes[0]
    assert (made.id, made.translation_of, made.language, made.reviewed) == (
        f"{original.id}.en",
        original.id,
        "en",
        False,
    )
    assert [step.difficulty for step in made.chain] == [step.difficulty for step in original.chain]
    assert [memory.chain_node for memory in made.memory] == [memory.chain_node for memory in original.memory]
    assert made.need == target.need and made.memory[0].text.startswith(made.need or "-")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"chain": ["I want one thing only"]}, "key 'chain'"),
        ({"memory": []}, "key 'memory'"),
        ({"feeling": "我还是中文"}, "key 'feeling'"),
        ({"feeling": " "}, "key 'feeling': a text is needed"),
        ({"emotion": ""}, "key 'emotion'"),
    ],
)
def test_a_reply_that_lacks_or_moves_pieces_is_dropped(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    original, target = fitting()
    assert run(tmp_path, answer(target, original) | change, original).exit_code == 1
    (one,) = read_run(tmp_path, "dropped.jsonl", Dropped)
    assert one.reason == "unreadable" and told in one.detail


def test_a_role_card_is_translated_whatever_its_length_and_person(tmp_path: Path) -> None:
    card = Profile(
        id="c", language="zh", feeling="他和合伙人吵了一架，之后公司就散了。" * 12, need="你想知道他们为什么这么做"
    )
    said = {
        "scenario": "",
        "emotion": "",
        "feeling": "He fell out with his partner, and the firm broke up. " * 12,
        "chain": ["You want to know why they did it"],
        "memory": [],
    }
    assert run(tmp_path, said, card).kept == 1
    (made,) = read_run(tmp_path, "profiles.jsonl", Profile)
    assert (made.need, made.translation_of, made.reviewed) == ("You want to know why they did it", "c", False)


def test_a_profile_that_is_in_the_language_already_is_refused() -> None:
    with pytest.raises(CocoonError, match="is in language 'en' already"):
        TranslationGenerator(TranslationConfig(to="en"), Models(), ENGLISH)


def test_translations_over_http_finish(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with endpoint() as spec:
        given = ["profiles", "translate", "shipped:zh", "--to", "en", "-n", "3", "--model", spec, "--out", str(out)]
        told = cocoon(*given, "--json").json
        assert cocoon(*given, "--json").json["calls"] == 0
    assert told["kept"] + sum(told["dropped"].values()) == 3
    assert not list(read_run(out, "failures.jsonl", Failure))
