"""`cocoon power`: sample sizes from the command line."""

from pathlib import Path

import pytest

from cocoon.evaluation.statistics.power import profiles_for_mean, profiles_for_rate
from cocoon.tests.commands import cocoon
from cocoon.tests.evaluation.comparison.comparison_cases import run_of, write_run


def test_profiles_and_power_of_a_mean() -> None:
    done = cocoon("power", "--difference", "0.5", "--spread", "1", "--json")
    assert done.json == [{"difference": 0.5, "spread": 1.0, "level": 0.05, "power": 0.8, "profiles": 34}]
    found = cocoon("power", "--difference", "0.5", "--spread", "1", "--profiles", "34", "--json").json[0]
    assert found["power"] == pytest.approx(0.8, abs=0.02)


def test_profiles_of_two_rates_span_what_their_overlap_leaves_open() -> None:
    low, high = cocoon("power", "--rates", "0.6,0.7", "--json").json
    assert (low["discordant"], high["discordant"]) == (pytest.approx(0.1), pytest.approx(0.7))
    assert high["profiles"] == profiles_for_rate(0.3, 0.4)
    assert low["profiles"] < high["profiles"]
    assert cocoon("power", "--rates", "0.6,0.7", "--discordant", "0.3", "--json").json[0]["discordant"] == 0.3


def test_the_spread_of_a_run_gives_the_profiles(tmp_path: Path) -> None:
    values = {"listen": [3, 4, 5, 6, 2, 4], "plain": [2, 4, 3, 6, 1, 2]}
    made = [run_of(name, {f"p{n}": [value] for n, value in enumerate(some)}) for name, some in values.items()]
    dialogues = [one for talked, _ in made for one in talked]
    run = write_run(tmp_path / "run", dialogues, [one for _, rated in made for one in rated])
    rows = cocoon("power", "--run", str(run), "--difference", "0.5", "--json").json
    aff = next(row for row in rows if row["measure"] == "Aff")
    assert aff["spread"] == pytest.approx(0.8944, abs=1e-3)
    assert (aff["seen_on"], aff["profiles"]) == (6, profiles_for_mean(0.5, aff["spread"]))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "give --difference and --spread"),
        (["--rates", "0.6"], "write two shares"),
        (["--rates", "0.6,0.6"], "two different shares"),
        (["--rates", "0.6,0.7", "--discordant", "0.9"], "allow 0.1 to 0.7"),
        (["--difference", "0", "--spread", "1"], "must not be 0"),
        (["--difference", "1", "--spread", "1", "--power", "2"], "must lie within 0.5 and 1"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(given: list[str], told: str) -> None:
    done = cocoon("power", *given)
    assert done.code == 2 and told in " ".join(done.err.replace("│", " ").split())


def test_the_plain_answer_is_one_line() -> None:
    assert cocoon("power", "--difference", "0.5", "--spread", "1").out.count("\n") == 1
