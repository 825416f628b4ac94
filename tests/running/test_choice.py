"""Which profiles a run takes, and what it says where nobody named a model."""

import pytest

from cocoon.core.config import StudyConfig, SupporterConfig, UserConfig
from cocoon.core.outside.profile_files import profile_path
from cocoon.core.verb_settings import unnamed_note
from cocoon.running.building.config import ScriptConfig
from cocoon.running.study import profiles_of
from cocoon.tests.commands import cocoon, endpoint

SHIPPED = [str(path) for path in profile_path("shipped")]


def test_a_few_of_the_shipped_profiles_are_of_both_languages() -> None:
    languages = [profile.language for profile in profiles_of(SHIPPED, 8, None)]
    assert languages == ["zh", "en"] * 4


def test_all_shipped_profiles_keep_the_order_of_their_files() -> None:
    languages = [profile.language for profile in profiles_of(SHIPPED, None, None)]
    assert languages == ["zh"] * 10 + ["en"] * 10


def test_a_limit_above_one_file_takes_the_rest_from_the_other() -> None:
    assert len(profiles_of([SHIPPED[0], SHIPPED[1]], 19, None)) == 19


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (StudyConfig(supporters=[SupporterConfig(model="openai:a")]), "for the user:"),
        (StudyConfig(user=UserConfig(model="openai:a")), "for the supporter:"),
        (StudyConfig(), "for the user and supporter:"),
        (ScriptConfig(), "for the writer:"),
    ],
)
def test_a_role_that_nobody_named_a_model_for_is_said_to_be_the_embedded_model(config: StudyConfig, named: str) -> None:
    note = unnamed_note(config)
    assert note is not None and named in note and "SmolLM2-135M" in note


def test_nothing_is_said_where_the_embedded_model_was_asked_for() -> None:
    model = "local:smollm2"
    assert unnamed_note(StudyConfig(user=UserConfig(model=model), supporters=[SupporterConfig(model=model)])) is None


@pytest.mark.slow
def test_a_forgotten_user_is_told_before_the_first_call(tmp_path_factory: pytest.TempPathFactory) -> None:
    out = tmp_path_factory.mktemp("run")
    with endpoint() as spec:
        done = cocoon(
            *("simulate", "--profiles", "shipped:en", "-n", "1", "--rounds", "0", "--appraiser", "rule"),
            *("--supporter", spec, "--out", str(out)),
        )
    assert "No model is named for the user: the embedded SmolLM2-135M is taken" in done.err
    assert "1 profile (1 en), 1 supporter" in done.err
