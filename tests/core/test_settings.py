"""Settings are declared once: what Python takes and what the command line shows come from one field."""

from typing import Literal

import pytest
from pydantic import BaseModel, Field

import cocoon
from cocoon.core.config import JudgeConfig, RunConfig, StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.settings import flag, settings_of
from cocoon.core.verb_settings import ABLATE, CHAT, JUDGE, SIMULATE, SWEEP, Given, VerbSettings
from cocoon.running.building.config import BUILD_PROFILES, SCRIPT, STEER_PAIRS, TRANSLATE_PROFILES
from cocoon.studies.reproduce.config import REPRODUCE
from cocoon.training.config import TRAIN

VERBS = [
    *(SIMULATE, JUDGE, CHAT, ABLATE, SWEEP, SCRIPT, BUILD_PROFILES, TRANSLATE_PROFILES, STEER_PAIRS),
    *(REPRODUCE, TRAIN),
]


class Engine(BaseModel):
    power: int = flag(3, "Its power.", keyword="engine_power", ge=1)
    colour: Literal["red", "blue"] | None = flag(None, "Its colour.")
    weight: float = Field(default=1.0, description="No flag.")


class Car(BaseModel):
    doors: int = flag(4, "How many doors.", short="-d")
    engine: Engine = Engine(power=5)
    spares: list[Engine] = flag([], "More engines.", keyword="spare")


class Twice(BaseModel):
    power: int = flag(1, "Power.", keyword="engine_power")
    engine: Engine = Engine()


def test_a_field_is_a_keyword_with_its_key_default_help_and_choices() -> None:
    class Plain(BaseModel):
        doors: int = flag(4, "How many doors.", short="-d")
        engine: Engine = Engine(power=5)

    settings = settings_of(Plain)
    assert list(settings) == ["doors", "engine_power", "colour"]
    assert settings["doors"].options == ("-d", "--doors")
    power = settings["engine_power"]
    assert (power.key, power.default, power.kind, power.description) == ("engine.power", 5, int, "Its power.")
    assert settings["colour"].choices == ("red", "blue")


def test_two_fields_of_one_keyword_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="keyword 'engine_power' is declared twice"):
        settings_of(Twice)
    with pytest.raises(ValueError, match="declared twice"):
        settings_of(Car)


def test_a_constraint_of_a_declared_field_holds() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        Engine(power=0)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.verb)
def test_every_setting_says_what_it_is(verb: VerbSettings[RunConfig]) -> None:
    assert verb.settings
    assert [name for name, setting in verb.settings.items() if not setting.description.endswith((".", ";"))] == []


@pytest.mark.parametrize("kind", [StudyConfig, JudgeConfig])
def test_every_field_of_a_configuration_is_described(kind: type[BaseModel]) -> None:
    assert [name for name, field in kind.model_fields.items() if not field.description] == []


def test_keywords_and_texts_become_a_configuration() -> None:
    keywords = {
        "user": "local:u",
        "difficulty": "hard",
        "scales": "success, comfort",
        "supporter": ["mine=local:a", "http://host/v1?x=1#b"],
        "supporter_prompt": "plain",
        "profiles": "shipped:en",
        "budget_calls": 7,
        "rounds": None,
    }
    config = Given(SIMULATE, keywords).resolve().config
    assert (config.user.model, config.user.difficulty, config.budget.calls, config.rounds) == ("local:u", "hard", 7, 10)
    assert (config.judge.scales, config.profiles) == (["success", "comfort"], ["shipped:en"])
    assert [(one.name, one.model, one.prompt) for one in config.supporters] == [
        ("mine", "local:a", "plain"),
        ("", "http://host/v1?x=1#b", "plain"),
    ]


@pytest.mark.parametrize(
    ("verb", "keyword", "told"),
    [
        (SIMULATE, "dificulty", "Did you mean 'difficulty'?"),
        (JUDGE, "rounds", "setting 'rounds' is not known"),
        (CHAT, "limit", "setting 'limit' is not known"),
    ],
)
def test_an_unknown_keyword_names_the_nearest(verb: VerbSettings[StudyConfig], keyword: str, told: str) -> None:
    with pytest.raises(CocoonError, match=told.replace("?", r"\?")):
        Given(verb, {keyword: 1}).resolve()


@pytest.mark.parametrize(
    ("verb", "option"),
    [
        (JUDGE, "rounds=3"),
        (JUDGE, "supporters.0.temperature=1"),
        (CHAT, "concurrency=3"),
        (ABLATE, "judge.scales=[success]"),
        (SWEEP, "supporters.0.model=local:a"),
        (TRANSLATE_PROFILES, "rater.model=local:a"),
    ],
)
def test_an_option_that_a_verb_has_no_use_for_is_refused(verb: VerbSettings[StudyConfig], option: str) -> None:
    with pytest.raises(CocoonError, match=f"-o {option.partition('=')[0]}: `cocoon {verb.verb}` has no use for it"):
        Given(verb, options=[option]).resolve()
    with pytest.raises(CocoonError, match="has no use for it"):
        Given(verb, options=dict([option.split("=")])).resolve()


@pytest.mark.parametrize(("verb", "option"), [(SWEEP, "supporters.0.temperature=1"), (JUDGE, "judge.votes=2")])
def test_an_option_that_a_verb_uses_is_honoured(verb: VerbSettings[StudyConfig], option: str) -> None:
    assert Given(verb, options=[option]).resolve().origins == {
        option.partition("=")[0]: f"-o {option.partition('=')[0]}"
    }


def test_python_shows_the_settings_of_a_verb() -> None:
    import inspect

    shown = inspect.signature(cocoon.simulate).parameters
    assert {"out", "profiles", "difficulty", "rounds", "budget_calls", "prices", "scales"} <= set(shown)
    assert "rounds" not in inspect.signature(cocoon.judge).parameters
    assert "difficulty: How hard trust is won" in (cocoon.simulate.__doc__ or "")
    assert set(settings_of(StudyConfig)) - set(shown) == {"batch"}
