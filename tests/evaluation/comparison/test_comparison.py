"""Comparisons worked by hand: who is paired with whom, what is refused, and what is counted instead of dropped."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from cocoon.core.errors import CocoonError
from cocoon.evaluation.comparison.compare import UNEVEN, compare_sides
from cocoon.evaluation.comparison.records import Comparison, Effect
from cocoon.evaluation.comparison.sides import name_sides, pair_profiles, sides_of
from cocoon.evaluation.scales.scoring import load_scale
from cocoon.evaluation.statistics.estimates import Bounds, wilson
from cocoon.evaluation.statistics.paired import mcnemar, newcombe
from cocoon.running.manifest import new_manifest, write_manifest
from cocoon.tests.commands import cocoon
from cocoon.tests.evaluation.comparison.comparison_cases import (
    comforted,
    judged,
    person,
    run_of,
    sides,
    talk,
    write_run,
)

COMFORT = {"comfort": load_scale("comfort")}


def effect(made: Comparison, label: str) -> Effect:
    return next(one for one in made.effects if one.column.label == label)


def only(*given: Any, **changes: Any) -> Comparison:
    (made,) = compare_sides(sides(*given, **changes), COMFORT)
    return made


# Figures worked by hand.


def test_a_mean_difference_worked_by_hand() -> None:
    made = only(("listen", {"a": [2], "b": [3], "c": [4]}), ("plain", {"a": [3], "b": [5], "c": [7]}))
    aff = effect(made, "Aff")
    # Differences 1, 2, 3: mean 2, and 2 of the 8 sign assignments are as extreme.
    assert (aff.first.value, aff.second.value, aff.difference.value) == (3.0, 5.0, pytest.approx(2.0))
    assert aff.difference.n == 3 and aff.significance is not None
    assert (aff.significance.p, aff.significance.test) == (0.25, "sign flip, exact")
    assert (made.first, made.second, made.judge, made.need) == ("listen", "plain", "gpt-x", "with need")
    neg = effect(made, "Neg")
    # Keyed Neg of all-v answers is (16 + v) / 5: a fifth of each difference.
    assert neg.difference.value == pytest.approx(0.4) and neg.column.better == "lower"
    assert [one.column.label for one in made.effects] == ["Aff", "Neg"]
    # Both p are 0.25 and two columns are tested.
    assert [one.p_holm for one in made.effects] == [0.5, 0.5]


def test_a_success_rate_with_one_draw_a_profile() -> None:
    first = [True] * 4 + [True] + [False] * 3 + [False] * 2
    second = [True] * 4 + [False] + [True] * 3 + [False] * 2
    names = [f"p{number}" for number in range(10)]
    made = only(
        ("listen", {name: [one] for name, one in zip(names, first, strict=True)}),
        ("plain", {name: [one] for name, one in zip(names, second, strict=True)}),
    )
    rate = effect(made, "SR paper")
    assert (rate.only_first, rate.only_second) == (1, 3)
    assert (rate.first, rate.second) == (wilson(5, 10), wilson(7, 10))
    assert rate.difference == newcombe(4, 1, 3, 2) and rate.significance == mcnemar(1, 3)
    # 2 (1 + 4) / 16.
    assert rate.significance is not None and rate.significance.p == 0.625
    bounds = rate.bounds_difference
    assert bounds is not None and (bounds.low, bounds.high) == (pytest.approx(0.2), pytest.approx(0.2))


def test_success_rates_with_several_draws_keep_a_profile_together() -> None:
    told = {name: [True, True, False, False] for name in "abcd"}
    better = {name: [True, True, True, False] for name in "abc"} | {"d": [False] * 4}
    rate = effect(only(("listen", told), ("plain", better)), "SR paper")
    # Differences 1/4, 1/4, 1/4, -1/2: sums of absolute value >= 1/4 in all but those that add up to less.
    assert rate.difference.value == pytest.approx(0.0625) and rate.difference.n == 4
    assert rate.significance is not None and rate.significance.test == "sign flip, exact"
    # Of +-1 +-1 +-1 +-2 the sum is 1, 3 or 5 away from 0: never nearer than the observed 1.
    assert rate.significance.p == 1.0
    assert rate.only_first is None


# Missing.


def test_missing_on_either_side_is_counted_and_widens_the_bounds() -> None:
    first, second = sides(
        ("listen", {"a": [True], "b": [None], "c": [True], "d": [False]}),
        ("plain", {"a": [True], "b": [True], "c": [None], "d": [True]}),
    )
    second.ratings += [judged(talk(person("c"), "plain"), None)]
    (made,) = compare_sides([first, second])
    rate = effect(made, "SR paper")
    assert (rate.first.missing, rate.second.missing, rate.difference.missing, rate.difference.n) == (1, 1, 2, 2)
    assert (rate.first.value, rate.second.value) == (0.5, 1.0)
    assert rate.bounds_first == Bounds(low=0.5, high=0.75) and rate.bounds_second == Bounds(low=0.75, high=1.0)
    assert rate.bounds_difference == Bounds(low=0.0, high=0.5)


def test_a_missing_draw_among_several_leaves_the_profile_in() -> None:
    first, second = sides(("listen", {"a": [2, 4], "b": [3, None]}), ("plain", {"a": [5, 5], "b": [None, None]}))
    aff = effect(compare_sides([first, second], COMFORT)[0], "Aff")
    assert (aff.difference.value, aff.difference.n, aff.difference.missing) == (2.0, 1, 1)
    assert (aff.first.missing, aff.second.missing) == (1, 2)


def test_a_dimension_with_a_missing_item_is_missing() -> None:
    first, second = sides(("listen", {"a": [2], "b": [3]}), ("plain", {"a": [4], "b": [4]}))
    second.ratings[0].dimensions["affective_improvement"] = None
    aff = effect(compare_sides([first, second], COMFORT)[0], "Aff")
    assert (aff.difference.n, aff.difference.missing, aff.second.missing) == (1, 1, 1)
    assert (aff.first.value, aff.difference.value, aff.significance and aff.significance.p) == (3.0, 1.0, 1.0)


def test_equal_differences_claim_no_certainty() -> None:
    aff = effect(only(("listen", {"a": [2], "b": [3]}), ("plain", {"a": [4], "b": [5]})), "Aff")
    assert (aff.difference.value, aff.difference.low) == (2.0, None)


# Pairing.


def test_profiles_of_one_side_alone_are_left_out_and_counted() -> None:
    made = only(("listen", {"a": [2], "b": [7], "x": [1]}), ("plain", {"a": [4], "b": [7], "y": [1], "z": [1]}))
    assert (made.pairs, made.unpaired_first, made.unpaired_second) == (2, 1, 2)
    assert effect(made, "Aff").first.value == 4.5


def test_people_meet_across_languages_by_translation_of() -> None:
    zh = [talk(person(f"zh-{number}", "zh"), "listen") for number in (1, 2, 3)]
    en = [talk(person(f"en-{number}", "en", translation_of=f"zh-{number}"), "plain") for number in (1, 2)]
    strangers = [talk(person("zh-3", "en"), "plain")]
    made = compare_sides(
        [
            *sides_of("zh", zh, [comforted(one, 3) for one in zh]),
            *sides_of("en", en + strangers, [comforted(one, 5) for one in en + strangers]),
        ],
        COMFORT,
    )
    # `zh-3` in English is no translation: an id alone joins nobody across languages.
    assert [(one.pairs, one.crossed, one.unpaired_first, one.unpaired_second) for one in made] == [(2, 2, 1, 1)]
    assert effect(made[0], "Aff").difference.value == 2.0


def test_a_person_in_two_languages_counts_once_and_each_language_meets_its_own() -> None:
    def side(name: str, zh: int, en: int) -> Any:
        dialogues = [talk(person("z", "zh"), name), talk(person("e", "en", translation_of="z"), name)]
        ratings = [comforted(one, value) for one, value in zip(dialogues, (zh, en), strict=True)]
        return sides_of(f"runs/{name}", dialogues, ratings)

    (made,) = compare_sides([*side("listen", 1, 6), *side("plain", 4, 7)], COMFORT)
    aff = effect(made, "Aff")
    assert (made.pairs, made.crossed, aff.difference.n) == (1, 0, 1)
    assert aff.difference.value == 2.0


def test_a_language_that_one_side_lacks_is_left_out_where_they_share_another() -> None:
    both = [talk(person("z", "zh"), "listen"), talk(person("e", "en", translation_of="z"), "listen")]
    one = [talk(person("e", "en", translation_of="z"), "plain")]
    first, second = *sides_of("a", both, []), *sides_of("b", one, [])
    pairing = pair_profiles(first, second)
    assert [pair.units for pair in pairing.pairs] == [((("en", "e"), ("en", "e")),)]
    assert (pairing.alone_first, pairing.alone_second) == ({("zh", "z")}, frozenset())


# What is refused.


def refusal(*given: Any) -> str:
    with pytest.raises(CocoonError) as caught:
        compare_sides([side for some in given for side in some], COMFORT)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_same_id_for_another_person_is_refused() -> None:
    here, there = talk(person("a"), "listen"), talk(person("a", need="another"), "plain")
    told = refusal(sides_of("runs/x", [here], []), sides_of("runs/y", [there], []))
    assert "profile 'a' is another person in 'listen' (runs/x) than in 'plain' (runs/y)" in told


def test_with_and_without_a_need_are_never_compared() -> None:
    here, there = talk(person("a"), "listen"), talk(person("a", need=None), "plain")
    told = refusal(sides_of("runs/x", [here], []), sides_of("runs/y", [there], []))
    assert "'a' has a need in 'listen' (runs/x) and none in 'plain' (runs/y)" in told


def test_people_with_and_without_a_need_stand_apart() -> None:
    def side(name: str, value: int) -> Any:
        dialogues = [talk(person("a"), name), talk(person("b", need=None), name)]
        ratings = [comforted(dialogues[0], value), comforted(dialogues[1], 7, prompt_id="judge/scale_no_need")]
        ratings += [judged(dialogues[0], True), judged(dialogues[1], None).model_copy(update={"not_applicable": True})]
        return sides_of(f"runs/{name}", dialogues, ratings)

    made = compare_sides([*side("listen", 1), *side("plain", 2)], COMFORT)
    assert [(one.need, one.pairs) for one in made] == [("with need", 1), ("without need", 1)]
    assert [effect(one, "Aff").difference.value for one in made] == [1.0, 0.0]
    assert "SR paper" not in [one.column.label for one in made[1].effects]


def different(**changes: Any) -> list[Any]:
    first, second = sides(("listen", {"a": [2]})), sides(("plain", {"a": [4]}), **changes)
    return [*first, *second]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"judge": "other"}, "'listen' was judged by gpt-x and 'plain' by other: judge both with one judge"),
        (
            {"prompt_sha": "fff.aaa"},
            "'listen' was judged under judge/scale eee.aaa and of 'plain' under judge/scale fff.aaa",
        ),
        (
            {"prompt_id": "judge/scale_no_need"},
            "of 'plain' under judge/scale_no_need eee.aaa: judge both under one prompt",
        ),
    ],
)
def test_different_judges_and_prompts_are_refused_unless_allowed(change: dict[str, str], told: str) -> None:
    given = different(**change)
    refused = refusal(given)
    assert told in refused and refused.endswith("or give --allow-different-judges")
    (made,) = compare_sides(given, COMFORT, allow_different_judges=True)
    assert effect(made, "Aff").difference.value == 2.0
    assert any(note.startswith("Different ") and next(iter(change.values())) in note for note in made.notes)


def test_across_languages_the_wording_of_the_scale_must_agree_and_the_prompt_need_not() -> None:
    here, there = talk(person("z", "zh"), "listen"), talk(person("e", "en", translation_of="z"), "plain")
    first = sides_of("x", [here], [comforted(here, 2)])
    assert compare_sides([*first, *sides_of("y", [there], [comforted(there, 4)])])[0].notes == []
    other = sides_of("y", [there], [comforted(there, 4, prompt_sha="eee.bbb")])
    assert "judged under judge/scale zzz.aaa and of 'plain' under judge/scale eee.bbb" in refusal(first, other)


def test_of_several_prompts_the_one_in_common_counts() -> None:
    first, second = sides(("listen", {"a": [2]}), ("plain", {"a": [4]}))
    second.ratings.append(comforted(talk(person("a"), "plain"), 7, prompt_sha="fff.aaa"))
    assert effect(compare_sides([first, second], COMFORT)[0], "Aff").second.value == 4.0
    first.ratings.append(comforted(talk(person("a"), "listen"), 7, prompt_sha="fff.aaa"))
    assert refusal([first, second]).endswith("name the prompt to compare under with --prompt HASH")


def test_every_common_judge_has_a_comparison_of_its_own() -> None:
    first, second = sides(("listen", {"a": [2]}), ("plain", {"a": [4]}))
    for side, value in ((first, 1), (second, 7)):
        side.ratings.append(comforted(talk(person("a"), side.supporter), value, judge="another"))
    made = compare_sides([first, second], COMFORT)
    assert [(one.judge, effect(one, "Aff").difference.value) for one in made] == [("another", 6.0), ("gpt-x", 2.0)]


def test_a_scale_of_one_side_alone_is_named() -> None:
    first, second = sides(("listen", {"a": [2], "b": [True]}), ("plain", {"a": [4], "b": [None]}))
    (made,) = compare_sides([first, second], COMFORT)
    assert made.notes == ["Not compared, judged for listen alone: success_attributed, success_paper."]


def test_uneven_numbers_of_dialogues_are_told() -> None:
    assert only(("listen", {"a": [2, 3]}), ("plain", {"a": [4]})).notes == [UNEVEN]


def test_no_profile_in_common_and_no_ratings_are_refused() -> None:
    assert "have no profile in common" in refusal(sides(("listen", {"a": [2]}), ("plain", {"b": [2]})))
    told = refusal(sides(("listen", {"a": [2]}), ("plain", {"a": [None]})))
    assert "'plain' in runs/plain has no ratings to compare; run `cocoon judge runs/plain --judge SPEC`" in told


# Supporters of several runs, and the command.


def test_sides_of_one_name_are_told_apart_by_their_run() -> None:
    made = [*sides_of("runs/x", *run_of("listen", {"a": [2]})), *sides_of("runs/y", *run_of("listen", {"a": [3]}))]
    name_sides(made)
    assert [side.name for side in made] == ["runs/x:listen", "runs/y:listen"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that holds three supporters and ratings of three people."""
    dialogues, ratings = [], []
    for name, gain in (("listen", 2), ("plain", 0), ("third", 1)):
        made = run_of(name, {one: [base + gain] for one, base in (("a", 1), ("b", 2), ("c", 4))})
        dialogues += made[0]
        ratings += made[1]
    return write_run(tmp_path / "run", dialogues, ratings)


def test_one_run_compares_the_supporters_that_it_holds(run: Path) -> None:
    done = cocoon("compare", str(run), "--json")
    assert [(one["first"], one["second"]) for one in done.json["comparisons"]] == [
        ("listen", "plain"),
        ("listen", "third"),
    ]
    done = cocoon("compare", str(run), "--supporter", "plain", "--supporter", "listen", "--json")
    (made,) = done.json["comparisons"]
    assert (made["first"], made["second"], made["effects"][0]["difference"]["value"]) == ("plain", "listen", 2.0)
    done = cocoon("compare", str(run), "--baseline", "third", "--json")
    assert {one["first"] for one in done.json["comparisons"]} == {"third"}


def test_the_command_prints_and_writes_the_same_figures(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "deep"
    done = cocoon("compare", str(run), "--supporter", "plain", "--supporter", "listen", "--out", str(out))
    assert done.code == 0 and done.out.startswith("# Comparison\n")
    assert "| Neg (lower is better) |" in done.out and "| Aff | 2.33 " in done.out
    assert (out / "compare.md").read_text("utf-8") == done.out[:-1]
    assert "<h2" in (out / "compare.html").read_text("utf-8")
    with (out / "compare.csv").open(encoding="utf-8") as file:
        found = {(line["column"], line["measure"]): line["value"] for line in csv.DictReader(file)}
    assert (found["Aff", "difference"], found["Aff", "p"], found["Aff", "people"]) == ("2.0", "0.25", "3")


def test_two_runs_that_differ_in_the_user_say_so(run: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", *run_of("far", {"a": [2], "b": [2], "c": [3]}))
    (run / "config.yaml").write_text("user: {difficulty: easy}\n", "utf-8")
    (other / "config.yaml").write_text("user: {difficulty: hard}\n", "utf-8")
    done = cocoon("compare", str(run), str(other), "--supporter", "plain", "--supporter", "far")
    assert "The runs differ in user.difficulty: easy \\| hard." in done.out


def test_different_judges_stand_in_the_warnings_of_the_result(run: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", *run_of("far", {"a": [2], "b": [2], "c": [3]}, judge="gpt-y"))
    given = ("compare", str(run), str(other), "--supporter", "plain", "--supporter", "far")
    done = cocoon(*given)
    assert (done.code, done.out) == (2, "") and done.err.count("\n") == 1
    assert "'plain' was judged by gpt-x and 'far' by gpt-y" in done.err
    done = cocoon(*given, "--allow-different-judges")
    assert done.out.startswith("> **Warning.** Different judges: plain by gpt-x, far by gpt-y.")
    assert cocoon(*given, "--allow-different-judges", "--json").json["warnings"] == [
        "Different judges: plain by gpt-x, far by gpt-y."
    ]


def test_named_judges_and_prompts_decide_among_several(run: Path, tmp_path: Path) -> None:
    told = {"a": [7], "b": [7], "c": [7]}
    dialogues, ratings = run_of("far", told)
    ratings += run_of("far", {"a": [2], "b": [3], "c": [5]}, prompt_sha="fff.aaa")[1]
    more = run_of("near", told, prompt_sha="eee.aaa")
    again = run_of("near", {"a": [3], "b": [4], "c": [6]}, prompt_sha="fff.aaa")[1]
    other = write_run(tmp_path / "other", dialogues + more[0], ratings + more[1] + again)
    assert "--prompt HASH" in cocoon("compare", str(other)).err
    (made,) = cocoon("compare", str(other), "--prompt", "fff", "--json").json["comparisons"]
    assert made["effects"][0]["difference"]["value"] == 1.0
    assert "has no ratings to compare" in cocoon("compare", str(other), "--judge", "nobody").err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["{run}", "{run}"], "is given twice"),
        (["{run}", "--supporter", "nobody"], "supporter 'nobody' is not in the runs; they have 'listen', 'plain'"),
        (["{run}", "--supporter", "plain"], "nothing to compare: one supporter of one run alone"),
        (["{run}", "--baseline", "nobody"], "--baseline 'nobody' names no sides; name one of 'listen', 'plain'"),
        (["{run}/none"], "has no run"),
    ],
)
def test_errors_name_the_fix(run: Path, arguments: list[str], told: str) -> None:
    done = cocoon("compare", *(one.format(run=run) for one in arguments))
    assert done.code == 2 and told in done.err and done.err.count("\n") == 1


def test_the_embedded_model_is_named_first(tmp_path: Path) -> None:
    made = run_of("listen", {"a": [2]}, judge="local:smollm2"), run_of("plain", {"a": [2]}, judge="local:smollm2")
    run = write_run(tmp_path / "run", made[0][0] + made[1][0], made[0][1] + made[1][1])
    manifest = new_manifest("0", 0)
    manifest.models = {"local:smollm2": {"name": "smollm2", "embedded": True}}
    write_manifest(run, manifest)
    assert cocoon("compare", str(run)).out.startswith("> **Warning.** Made with the embedded model")
    assert json.loads(cocoon("compare", str(run), "--json").out)["warnings"][0].startswith("Made with the embedded")
