"""Settings: which source wins, where each value came from, errors that help, and no secret in sight."""

import json
from pathlib import Path
from typing import Any

import pytest

from cocoon.core.config import EMBEDDED, Resolved, StudyConfig, resolve
from cocoon.core.errors import CocoonError
from cocoon.core.model_spec import refuse_secrets, without_secrets
from cocoon.models.by_name import open_chat
from cocoon.tests.commands import cocoon

SECRET = "sk-do-not-print-me"
SOURCES = ["default", "preset", "file", "environment", "option", "flag"]
MODELS = {name: f"local:{name}" for name in SOURCES}


def from_sources(folder: Path, upto: int) -> Resolved:
    """Settings with the judge's model told by every source up to number `upto` of SOURCES, weakest first."""
    file = folder / "study.yaml"
    file.write_text(f"judge:\n  model: {MODELS['file']}\n  votes: 3\n", "utf-8")
    return resolve(
        file if upto >= 2 else None,
        [f"judge.model={MODELS['option']}"] if upto >= 4 else [],
        {"judge.model": MODELS["flag"] if upto >= 5 else None},
        {"COCOON_JUDGE__MODEL": MODELS["environment"]} if upto >= 3 else {},
        preset="paper" if upto >= 1 else None,
    )


@pytest.mark.parametrize(
    ("upto", "model", "origin"),
    [
        (0, None, None),
        (1, "openai:gpt-4o-2024-11-20", "preset paper"),
        (2, MODELS["file"], "{folder}/study.yaml"),
        (3, MODELS["environment"], "environment COCOON_JUDGE__MODEL"),
        (4, MODELS["option"], "-o judge.model"),
        (5, MODELS["flag"], "flag for judge.model"),
    ],
)
def test_each_source_beats_those_before_it(tmp_path: Path, upto: int, model: str | None, origin: str | None) -> None:
    resolved = from_sources(tmp_path, upto)
    assert resolved.config.judge.model == model
    assert resolved.origins.get("judge.model") == (origin and origin.format(folder=tmp_path))
    assert resolved.config.judge.votes == (3 if upto >= 2 else 1)


def test_what_nobody_set_is_the_default() -> None:
    resolved = resolve(environment={})
    assert (resolved.config, resolved.origins) == (StudyConfig(), {})
    assert resolved.config.user.model == EMBEDDED


def test_an_option_that_holds_a_whole_part_leaves_the_rest_of_it() -> None:
    flags = {"user.difficulty": "hard"}
    resolved = resolve(options=["user={kind: prompted, difficulty: easy}"], flags=flags, environment={})
    assert (resolved.config.user.kind, resolved.config.user.difficulty) == ("prompted", "hard")
    assert resolved.origins == {"user.kind": "-o user", "user.difficulty": "flag for user.difficulty"}


def test_an_empty_part_leaves_what_weaker_sources_set_in_it() -> None:
    resolved = resolve(options=["user.kind=prompted", "user={}", "prices={}"], environment={})
    assert (resolved.config.user.kind, resolved.origins["user.kind"]) == ("prompted", "-o user.kind")
    assert resolved.config.prices == {}


def test_values_are_read_as_yaml() -> None:
    options = ["seed=7", "timeout=1.5", "language=zh", "profiles=[a, b]", "prices={'openai:gpt-4.1': [2, 8]}"]
    config = resolve(options=[*options, "budget.calls=null"], environment={"COCOON_ROUNDS": "3"}).config
    assert (config.seed, config.timeout, config.language, config.rounds) == (7, 1.5, "zh", 3)
    assert config.profiles == ["a", "b"] and config.prices == {"openai:gpt-4.1": (2.0, 8.0)}
    assert config.budget.calls is None


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("user.dificulty=hard", "-o user.dificulty: unknown key 'user.dificulty'; did you mean 'difficulty'?"),
        ("roundz=3", "-o roundz: unknown key 'roundz'; did you mean 'rounds'?"),
        (
            "max_tokens=3",
            "did you mean 'user.max_tokens' or 'judge.max_tokens' or 'supporters.0.max_tokens'?",
        ),
        (
            "user.difficulty=brutal",
            "-o user.difficulty: key 'user.difficulty': Input should be 'easy', 'normal' or 'hard'",
        ),
        ("rounds=many", "-o rounds: key 'rounds': Input should be a valid integer"),
        ("rounds=-1", "greater than or equal to 0 (found -1)"),
        ("judge.temperature=3", "less than or equal to 2 (found 3)"),
        ("timeout=2024-13-45", "key 'timeout'"),
        ("user=guarded", "key 'user': Input should be a valid dictionary"),
        ("rounds.more=1", "key 'rounds'"),
        ("rounds", "-o 'rounds': write KEY=VALUE"),
        ("supporters=[]", "key 'supporters'"),
        ("rounds={}", "-o rounds: key 'rounds': Input should be a valid integer"),
        ("user.model={}", "-o user.model: key 'user.model': Input should be a valid string"),
    ],
)
def test_an_error_names_source_key_and_what_is_known(option: str, told: str) -> None:
    with pytest.raises(CocoonError) as caught:
        resolve(options=[option], environment={})
    assert told in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("user:\n  kidn: guarded\n", "unknown key 'user.kidn'; did you mean 'kind'?"),
        ("- a\n- b\n", "must hold keys and values"),
        ("rounds: [1\n", "not YAML"),
        ("rounds: 2024-13-45\n", "not YAML"),
        ("user: !!python/object/apply:os.system ['true']\n", "not YAML"),
        ("rounds: ten\n", "key 'rounds': Input should be a valid integer"),
    ],
)
def test_an_error_in_a_file_names_the_file(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(CocoonError) as caught:
        resolve(file, environment={})
    assert str(caught.value).startswith(str(file)) and told in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CocoonError, match=r"absent\.yaml: cannot be read"):
        resolve(tmp_path / "absent.yaml", environment={})
    (tmp_path / "latin.yaml").write_bytes(b"rounds: \xe9\n")
    with pytest.raises(CocoonError, match=r"latin\.yaml: not UTF-8"):
        resolve(tmp_path / "latin.yaml", environment={})


def test_an_unknown_key_in_the_environment_is_an_error_but_the_cache_is_no_setting() -> None:
    with pytest.raises(CocoonError, match="environment COCOON_USR__KIND: unknown key 'usr'"):
        resolve(environment={"COCOON_USR__KIND": "guarded"})
    assert resolve(environment={"COCOON_CACHE": "x", "OTHER": "y"}).origins == {}


@pytest.mark.parametrize(
    "spec",
    [
        f"http://me:{SECRET}@127.0.0.1/v1#m",
        f"https://{SECRET}@host/v1#m",
        f"https://host/v1?api_key={SECRET}#m",
        f"https://host/v1?v=1&access-token={SECRET}#m",
    ],
)
def test_a_key_in_an_address_is_refused_and_never_repeated(spec: str) -> None:
    assert SECRET not in without_secrets(spec)
    for action in (
        lambda: refuse_secrets(spec),
        lambda: open_chat(spec),
        lambda: resolve(options=[f"judge.model={spec}"]),
    ):
        with pytest.raises(CocoonError, match="OPENAI_API_KEY") as caught:
            action()
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("spec", ["openai:gpt-4o", "http://127.0.0.1:8000/v1#me@home", "https://h/v1?api-version=3#m"])
def test_an_address_without_a_key_is_left_alone(spec: str) -> None:
    refuse_secrets(spec)
    assert resolve(options=[f"user.model='{spec}'"], environment={}).config.user.model == spec


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("COCOON_KEY", SECRET),
        ("COCOON_USER__API_KEY", SECRET),
        ("COCOON_USER__MODEL", f"[http://me:{SECRET}@host/v1#m]"),
        ("COCOON_SUPPORTERS", f"[{{model: 'http://me:{SECRET}@host/v1#m'}}]"),
    ],
)
def test_no_error_of_the_command_prints_a_secret(key: str, value: str) -> None:
    done = cocoon("config", "show", environment={key: value})
    assert done.code == 2 and done.err.startswith(f"cocoon: environment {key}")
    assert SECRET not in done.err + done.out


def test_show_prints_every_setting_with_its_origin(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("rounds: 4\nbudget: {calls: 9}\n", "utf-8")
    environment = {"COCOON_USER__KIND": "prompted", "OPENAI_API_KEY": SECRET}
    arguments = ["config", "show", "--config", str(file), "-o", "seed=3", "--json"]
    done = cocoon(*arguments, environment=environment)
    assert done.code == 0 and SECRET not in done.out
    told = done.json
    assert StudyConfig.model_validate(told["config"]).budget.calls == 9
    set_here = {key: origin for key, origin in told["origins"].items() if origin != "default"}
    assert set_here == {
        "rounds": str(file),
        "budget.calls": str(file),
        "user.kind": "environment COCOON_USER__KIND",
        "seed": "-o seed",
    }
    assert set(told["origins"]) == set(dotted(told["config"]))


def dotted(tree: dict[str, Any], above: str = "") -> list[str]:
    """Dotted keys of a configuration, those of the elements of a list too. Prices are one setting."""
    keys: list[str] = []
    for key, value in tree.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            keys += dotted({str(number): element for number, element in enumerate(value)}, f"{above}{key}.")
        elif isinstance(value, dict) and value:
            keys += dotted(value, f"{above}{key}.")
        else:
            keys.append(f"{above}{key}")
    return keys


SUPPORTERS = "supporters: [{model: 'local:a', temperature: 0.2}, {model: 'local:b'}]\n"


def test_a_setting_of_one_element_is_put_into_the_list_that_another_source_made(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(SUPPORTERS, "utf-8")
    resolved = resolve(file, ["supporters.1.temperature=1", "judge.scales.0=rac"], environment={})
    assert [one.temperature for one in resolved.config.supporters] == [0.2, 1.0]
    assert resolved.config.judge.scales == ["rac", *StudyConfig().judge.scales[1:]]
    assert resolved.origins["supporters.1.temperature"] == "-o supporters.1.temperature"
    assert resolved.origins["supporters"] == str(file)


def test_a_setting_of_one_element_stays_beside_a_flag_that_gives_the_list() -> None:
    flags = {"supporters": [{"model": "local:a"}]}
    config = resolve(options=["supporters.0.temperature=1"], flags=flags, environment={}).config
    assert [(one.model, one.temperature) for one in config.supporters] == [("local:a", 1.0)]
    variable = {"COCOON_SUPPORTERS__0__MODEL": "local:b", "COCOON_SUPPORTERS__0__MAX_TOKENS": "9"}
    config = resolve(flags=flags, environment=variable).config
    assert [(one.model, one.max_tokens) for one in config.supporters] == [("local:a", 9)]


def test_one_supporter_of_the_defaults_can_be_changed_alone() -> None:
    config = resolve(options=["supporters.0.temperature=1"], environment={}).config
    assert [(one.model, one.temperature) for one in config.supporters] == [(EMBEDDED, 1.0)]
    assert StudyConfig().supporters[0].temperature == 0.7


def test_a_star_is_every_element(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(SUPPORTERS, "utf-8")
    resolved = resolve(file, flags={"supporters.*.prompt": "plain"}, environment={})
    assert [one.prompt for one in resolved.config.supporters] == ["plain", "plain"]
    assert resolved.origins["supporters.1.prompt"] == "flag for supporters.*.prompt"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["supporters.1.temperature=1"], "there is no supporters.1. supporters has 1"),
        (["supporters.0.temperatur=1"], "unknown key 'supporters.0.temperatur'; did you mean 'temperature'?"),
        (["rounds.0=1"], "'rounds' is no list"),
        (["supporters.0.model=local:b"], "flag for supporters gives supporters.0.model too"),
        (["supporters=[{model: 'local:b'}]", "supporters.first.model=x"], "write supporters.0.model"),
    ],
)
def test_an_element_that_cannot_be_set_is_refused_in_one_line(options: list[str], told: str) -> None:
    with pytest.raises(CocoonError) as caught:
        resolve(options=options, flags={"supporters": [{"model": "local:a"}]}, environment={})
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_show_tells_where_each_element_of_a_list_came_from(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(SUPPORTERS, "utf-8")
    options = ["-o", "supporters.1.temperature=1", "-o", "judge.scales.0=rac"]
    origins = cocoon("config", "show", "--config", str(file), *options, "--json").json["origins"]
    assert origins["supporters.0.temperature"] == str(file)
    assert origins["supporters.1.temperature"] == "-o supporters.1.temperature"
    assert origins["judge.scales"] == "-o judge.scales.0"


def test_the_table_says_the_same() -> None:
    done = cocoon("config", "show", "-o", "user.difficulty=hard", "--preset", "paper")
    lines = [" ".join(line.replace("│", " ").split()) for line in done.out.splitlines()]
    assert "user.difficulty hard -o user.difficulty" in lines and "user.kind prompted preset paper" in lines
    assert "seed 0 default" in lines
    wrong = cocoon("config", "show", "--preset", "papper")
    assert wrong.code == 2 and "preset 'papper' is not known; there are paper" in wrong.err


def test_the_printed_json_is_a_configuration_that_can_be_given_back(tmp_path: Path) -> None:
    first = cocoon("config", "show", "-o", "user.kind=prompted", "--json").json["config"]
    file = tmp_path / "again.yaml"
    file.write_text(json.dumps(first), "utf-8")
    assert cocoon("config", "show", "--config", str(file), "--json").json["config"] == first


def test_the_key_for_other_hosts_is_no_setting_and_is_not_printed() -> None:
    done = cocoon("config", "show", environment={"COCOON_API_KEY": SECRET})
    assert done.code == 0
    assert SECRET not in done.out + done.err
