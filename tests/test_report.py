"""The report: figures worked by hand, rows never pooled, honest remarks, escaping in every format."""

import base64
import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from cocoon.core.errors import CocoonError
from cocoon.core.records import ChainStep, Dialogue, Failure, Profile, Rating, Turn, UserState, Verdict
from cocoon.evaluation.facts import facts_of
from cocoon.evaluation.report import EMBEDDED_WARNING, build_report
from cocoon.evaluation.report_csv import render_csv
from cocoon.evaluation.report_html import render_html
from cocoon.evaluation.report_json import to_json
from cocoon.evaluation.report_latex import escape_latex, render_latex
from cocoon.evaluation.report_markdown import escape_markdown, render_markdown
from cocoon.evaluation.scales import load_scale, score
from cocoon.evaluation.statistics import Bounds, Estimate, Spread, wilson
from cocoon.evaluation.success import ATTRIBUTED, PAPER
from cocoon.evaluation.table_scores import MEASURES
from cocoon.evaluation.tables import Cell, Report, Table

VERDICTS: dict[str, Verdict] = {
    "named": Verdict(success=True, named_by="supporter", how="after_reflection", turn=2, quote="q"),
    "drawn": Verdict(success=True, named_by="user", how="after_question", turn=5, quote="q"),
    "leaked": Verdict(success=False, named_by="user", how="leaked", turn=1, quote="q"),
    "nobody": Verdict(success=False, named_by="nobody", turn=3, quote="q"),
    "missing": Verdict(success=None, missing="quote not in the transcript"),
}


def dialogue(name: str, rounds: int = 3, need: str | None = "N", **changes: Any) -> Dialogue:
    """An opening and `rounds` rounds of a guarded user whose node 1 opens in round 2."""
    profile = Profile(id=name.split("/")[0], language="en", feeling="f", need=need, chain=[])
    if need is not None:
        profile.chain = [ChainStep(need="surface"), ChainStep(need=need)]
    turns = [Turn(role="supporter", content="hello")]
    for number in range(1, rounds + 1):
        state = UserState(trust=0, unlocked=[0] if number == 1 else [0, 1], memories=[])
        turns.append(Turn(role="user", content="abcd", state=state if changes.get("user_kind") else None))
        turns.append(Turn(role="supporter", content="abcdef"))
    base: dict[str, Any] = {"supporter": "listen", "language": "en", "stop_reason": "rounds"}
    return Dialogue(id=name, profile=profile, turns=turns, **{**base, **changes})


def rating(name: str, scale: str, **changes: Any) -> Rating:
    """A rating of dialogue `name`, whose profile is what stands before the slash."""
    prompt = scale if scale.startswith("success") else "scale"
    base: dict[str, Any] = {
        "profile": name.split("/")[0],
        "supporter": "listen",
        "judge": "gpt-x",
        "prompt_id": f"judge/{prompt}",
        "prompt_sha": "aaa",
    }
    return Rating(dialogue=name, scale=scale, **{**base, **changes})


def scored(name: str, scale: str, value: int, **changes: Any) -> Rating:
    """A rating that answers every item of a shipped scale with `value`."""
    loaded = load_scale(scale)
    items: dict[str, int | None] = dict.fromkeys(loaded.item_ids, value)
    return rating(name, scale, items=items, dimensions=score(loaded, items), **changes)


def verdicts(name: str, kind: str, **changes: Any) -> list[Rating]:
    """Both success ratings of a dialogue; the paper's mode counts every naming."""
    verdict = VERDICTS[kind]
    named = None if verdict.success is None else verdict.named_by != "nobody"
    paper = Verdict(success=named, missing=verdict.missing)
    return [
        rating(name, PAPER, verdict=paper, **changes),
        rating(name, ATTRIBUTED, verdict=verdict, **changes),
    ]


KINDS = list(VERDICTS)
FACTS: dict[str, Any] = {
    "name": "demo",
    "models": {"judge": ["gpt-x"]},
    "calls": 1600,
    "prompt_tokens": 120_000,
    "completion_tokens": 30_000,
    "cost": 1.5,
    "seconds": 3723.4,
}


def report(**changes: Any) -> Report:
    """Five dialogues, one of each kind of verdict; comfort answers of 1 to 5."""
    ratings = [one for kind in KINDS for one in verdicts(kind, kind)]
    ratings += [scored(kind, "comfort", number) for number, kind in enumerate(KINDS, 1)]
    base: dict[str, Any] = {
        "dialogues": [dialogue(kind) for kind in KINDS],
        "ratings": ratings,
        "failures": [],
        "facts": FACTS,
    }
    return build_report(**{**base, **changes})


def table(made: Report, name: str) -> Table:
    return next(one for one in made.tables if one.id == name)


def rows(made: Report, name: str) -> dict[tuple[str, ...], dict[str, Cell]]:
    return {tuple(row.labels): row.cells for row in table(made, name).rows}


def estimate(cell: Cell) -> Estimate:
    assert isinstance(cell, Estimate)
    return cell


LABELS = ("listen", "gpt-x", "en", "with need")


def test_figures_worked_by_hand() -> None:
    made = report()
    main = rows(made, "main")[LABELS]
    # Named in 3 of the 4 dialogues whose verdict could be read.
    assert main["SR"] == wilson(3, 4, missing=1)
    # Keyed Neg of all-v answers: (3 v + 2 (8 - v)) / 5, at v = 1 to 5.
    aff, neg = estimate(main["Aff"]), estimate(main["Neg"])
    assert (aff.value, aff.n, aff.missing) == (3.0, 5, 0)
    assert neg.value == pytest.approx((3.4 + 3.6 + 3.8 + 4.0 + 4.2) / 5)
    assert main.get("Flu") is None
    success = rows(made, "success")[LABELS]
    assert success["SR attributed"] == wilson(2, 4, missing=1)
    assert success["Bounds paper"] == Bounds(low=3 / 5, high=4 / 5)
    assert success["Bounds attributed"] == Bounds(low=2 / 5, high=3 / 5)


def test_outcomes_and_rounds_until_named() -> None:
    outcomes = rows(report(), "outcomes")[LABELS]
    assert {name: count for name, count in outcomes.items() if count} == {
        "supporter, after reflection": 1,
        "user, after question": 1,
        "leaked": 1,
        "nobody": 1,
        "missing": 1,
    }
    # Turns 2, 5 and 1 stand in rounds 1, 3 and 1: the opening is round 0, turn 1 opens round 1.
    named = rows(report(), "named")[LABELS]
    assert named["by either"] == Spread(median=1, low=1, high=3, n=3)
    assert named["by the supporter"] == Spread(median=1, low=1, high=1, n=1)
    assert named["by the user"] == Spread(median=2, low=1, high=3, n=2)
    assert named["never named"] == 1


def test_golden_markdown() -> None:
    text = render_markdown(report())
    assert text.startswith("# Report of demo\n\n- Dialogues: 5, of 5 profiles\n")
    assert (
        "- Tokens: 120,000 in prompts, 30,000 in replies\n- Cost: 1.5000 USD\n- Time: 1 h 02 min 03 s\n"
        in text
    )
    assert (
        "| Supporter | Judge | Language | Prompts "
        "| SR | Flu | Div | Emp | Inf | Hum | Skil | Aff | Neg | Sup | Man |\n"
        "| --- | --- | --- | --- "
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| listen | gpt-x | en | with need | 0.75 \\[0.30, 0.95\\] n 4, missing 1 | – | – | – | – | – | – "
        "| 3.00 \\[1.80, 4.20\\] n 5, missing 0 | 3.80 \\[3.56, 4.04\\] n 5, missing 0 | – | – |\n"
    ) in text
    assert (
        "| listen | gpt-x | en | with need | 0.75 \\[0.30, 0.95\\] n 4, missing 1 | 0.60 to 0.80 "
        "| 0.50 \\[0.15, 0.85\\] n 4, missing 1 | 0.40 to 0.60 | 0 |\n"
    ) in text


def test_the_same_data_in_any_order_makes_the_same_report() -> None:
    once = report()
    ratings = [scored(kind, "comfort", number) for number, kind in enumerate(KINDS, 1)]
    ratings += [one for kind in KINDS for one in verdicts(kind, kind)]
    again = report(dialogues=[dialogue(kind) for kind in reversed(KINDS)], ratings=list(reversed(ratings)))
    assert again == once


def test_streams_and_summaries_are_read_as_well_as_lists() -> None:
    def stream() -> Iterator[Dialogue]:
        yield from (dialogue(kind) for kind in KINDS)

    assert report(dialogues=stream()) == report()
    assert report(dialogues=(facts_of(one) for one in stream())) == report()


def test_the_columns_are_those_of_the_shipped_scales() -> None:
    for measure in MEASURES:
        labels = {one.id: one.label for one in load_scale(measure.scale).dimensions}
        assert labels[measure.dimension] == measure.label
    assert " ".join(table(report(), "main").measures) == "SR Flu Div Emp Inf Hum Skil Aff Neg Sup Man"


@pytest.mark.parametrize(
    ("change", "labels"),
    [
        ({"judge": "other"}, ("listen", "other", "en", "with need")),
        ({"supporter": "plain"}, ("plain", "gpt-x", "en", "with need")),
        ({"prompt_id": "judge/scale_no_need"}, ("listen", "gpt-x", "en", "without need")),
    ],
)
def test_what_may_not_be_pooled_has_rows_of_its_own(change: dict[str, str], labels: tuple[str, ...]) -> None:
    ratings = [scored("a", "comfort", 2), scored("b", "comfort", 4), scored("c", "comfort", 7, **change)]
    main = rows(report(dialogues=[dialogue(one) for one in "abc"], ratings=ratings), "main")
    assert set(main) == {LABELS, labels}
    assert estimate(main[LABELS]["Aff"]).value == 3.0
    assert estimate(main[labels]["Aff"]).value == 7.0


def test_languages_have_rows_of_their_own() -> None:
    ratings = [scored("a", "comfort", 2), scored("b", "comfort", 4, prompt_sha="zh")]
    made = report(dialogues=[dialogue("a"), dialogue("b", language="zh")], ratings=ratings)
    assert set(rows(made, "main")) == {LABELS, ("listen", "gpt-x", "zh", "with need")}
    assert made.warnings == []


def test_several_hashes_of_one_prompt_stand_apart_with_a_warning() -> None:
    ratings = [scored("a", "comfort", 2), scored("b", "comfort", 4, prompt_sha="bbb"), scored("a", "rac", 3)]
    made = report(dialogues=[dialogue("a"), dialogue("b")], ratings=ratings)
    assert [labels[3] for labels in rows(made, "main")] == [
        "with need",
        "with need, comfort under judge/scale aaa",
        "with need, comfort under judge/scale bbb",
    ]
    assert rows(made, "main")[LABELS].get("Aff") is None
    assert made.warnings == [
        "Judge gpt-x rated comfort (en, with need) under 2 prompts: judge/scale aaa, judge/scale bbb. "
        "Their scores are not comparable."
    ]


def test_a_prompt_that_differs_between_supporters_is_told_too() -> None:
    ratings = [scored("a", "comfort", 2), scored("b", "comfort", 4, supporter="plain", prompt_sha="bbb")]
    made = report(dialogues=[dialogue("a"), dialogue("b", supporter="plain")], ratings=ratings)
    assert len(made.warnings) == 1 and len(rows(made, "main")) == 2


def test_profiles_without_need_are_not_applicable_and_never_a_failure() -> None:
    ratings = verdicts("a", "named")
    ratings += [rating("b", mode, not_applicable=True) for mode in (PAPER, ATTRIBUTED)]
    ratings += [scored("b", "comfort", 5, prompt_id="judge/scale_no_need")]
    made = report(dialogues=[dialogue("a"), dialogue("b", need=None)], ratings=ratings)
    without = (*LABELS[:3], "without need")
    assert rows(made, "main")[without]["SR"] == "not applicable (1)"
    assert rows(made, "main")[without]["Aff"] == Estimate(value=5.0, n=1)
    assert rows(made, "main")[LABELS]["SR"] == Estimate(value=1.0, n=1)
    assert rows(made, "success")[without]["Not applicable"] == 1
    assert rows(made, "success")[without]["Bounds paper"] is None
    assert rows(made, "outcomes")[without]["nobody"] == 0
    assert rows(made, "dialogues")["listen", "en"]["without need"] == 1


def test_a_rating_that_could_not_be_made_is_missing_and_widens_the_bounds() -> None:
    failures = [Failure(dialogue="b", stage="assessment", node="judge", reason="timeout", message="m")]
    made = report(dialogues=[dialogue("a"), dialogue("b")], ratings=verdicts("a", "named"), failures=failures)
    assert rows(made, "main")[LABELS]["SR"] == Estimate(value=1.0, n=1, missing=1)
    assert rows(made, "success")[LABELS]["Bounds paper"] == Bounds(low=0.5, high=1.0)
    assert rows(made, "outcomes")[LABELS]["missing"] == 1
    assert rows(made, "missing_reasons")[*LABELS, PAPER, "the rating could not be made"] == {"count": 1}
    assert rows(made, "failures") == {("assessment", "judge", "timeout"): {"count": 1}}
    assert ("Ratings that failed", "1") in made.facts


def test_a_failed_rating_that_was_made_later_is_not_missing() -> None:
    failures = [Failure(dialogue="a", stage="assessment", node="judge", reason="timeout", message="m")]
    made = report(dialogues=[dialogue("a")], ratings=verdicts("a", "named"), failures=failures)
    assert rows(made, "main")[LABELS]["SR"] == Estimate(value=1.0, n=1)


def test_votes_on_a_dialogue_count_as_one() -> None:
    votes = [scored("a", "comfort", value, vote=vote) for vote, value in enumerate([2, 4])]
    for vote, kind in enumerate(["named", "named", "nobody"]):
        votes += verdicts("a", kind, vote=vote)
    for vote, kind in enumerate(["named", "nobody"]):
        votes += verdicts("b", kind, vote=vote)
    made = report(dialogues=[dialogue("a"), dialogue("b")], ratings=votes)
    assert rows(made, "main")[LABELS]["Aff"] == Estimate(value=3.0, n=1)
    assert rows(made, "main")[LABELS]["SR"] == Estimate(value=1.0, n=1, missing=1)
    assert rows(made, "outcomes")[LABELS]["missing"] == 1
    assert rows(made, "missing_reasons")[*LABELS, PAPER, "votes tie"] == {"count": 1}


def test_a_rating_that_stands_twice_counts_once() -> None:
    made = report(dialogues=[dialogue("a")], ratings=[scored("a", "comfort", 2), scored("a", "comfort", 6)])
    assert rows(made, "main")[LABELS]["Aff"] == Estimate(value=6.0, n=1)


def test_samples_of_a_profile_stay_together() -> None:
    names = [f"{profile}/{sample}" for profile in "abcdef" for sample in range(4)]
    ratings = [one for name in names for one in verdicts(name, "named" if name[0] in "abc" else "nobody")]
    rate = rows(report(dialogues=[dialogue(name) for name in names], ratings=ratings), "main")[LABELS]["SR"]
    assert isinstance(rate, Estimate) and (rate.value, rate.n) == (0.5, 24)
    assert rate.low is not None and rate.low < 0.2


@pytest.mark.parametrize(("answers", "warned"), [([7, 7, 7], True), ([7, 7], False), ([7, 7, 6], False)])
def test_constant_answers_are_warned_of(answers: list[int], warned: bool) -> None:
    names = [str(number) for number in range(len(answers))]
    ratings = [scored(name, "comfort", value) for name, value in zip(names, answers, strict=True)]
    made = report(dialogues=[dialogue(name) for name in names], ratings=ratings)
    assert [
        "answered every item of comfort with the same value in all 3" in one for one in made.warnings
    ] == ([True] if warned else [])


def test_missing_and_forced_shares() -> None:
    half = scored("b", "comfort", 4, legal_mass=0.9)
    half.items.update({"1": None, "2": None})
    half.missing = {"1": "forced: legal answers had probability 0.01", "2": "not a whole number"}
    ratings = [scored("a", "comfort", 3, legal_mass=0.2), half, scored("c", "comfort", 3)]
    made = report(dialogues=[dialogue(one) for one in "abc"], ratings=ratings)
    answers = rows(made, "answers")["gpt-x", "comfort"]
    missing, forced = answers["missing items or verdicts"], answers["forced ratings"]
    assert isinstance(missing, Estimate) and isinstance(forced, Estimate)
    assert (missing.value, missing.n) == (pytest.approx(2 / 30), 30)
    assert (forced.value, forced.n, forced.missing) == (0.5, 2, 1)
    assert [labels[-1] for labels in rows(made, "missing_reasons")] == ["forced", "not a whole number"]
    assert (
        rows(made, "answers")["gpt-x", "comfort"]
        != rows(report(dialogues=[], ratings=ratings, floor=0.1), "answers")["gpt-x", "comfort"]
    )


def test_variants_and_other_scales() -> None:
    ratings = [scored("a", "rac", 6), scored("a", "aels", 5)]
    ratings[0].items["5"] = None
    ratings[0].dimensions["supportiveness"] = None
    made = report(dialogues=[dialogue("a")], ratings=ratings, scales={"rac": load_scale("rac")})
    assert rows(made, "main")[LABELS]["Sup"] == Estimate(value=None, missing=1)
    # rac10 does not use item 5, so it has a value where rac16 has none.
    assert rows(made, "variants")[*LABELS, "rac10", "Sup"]["Mean"] == Estimate(value=6.0, n=1)
    assert rows(made, "other_scales")[*LABELS, "aels", "sensing"]["Mean"] == Estimate(value=5.0, n=1)
    assert "no source" in table(made, "variants").note


def guarded(name: str, rounds: int, difficulty: str) -> Dialogue:
    return dialogue(name, rounds, user_kind="guarded", difficulty=difficulty, rules="neutral")


def test_disclosure_per_difficulty() -> None:
    dialogues = [guarded("a", 3, "easy"), guarded("b", 1, "easy"), guarded("c", 4, "hard")]
    made = report(dialogues=dialogues, ratings=[])
    disclosure = rows(made, "disclosure")
    assert disclosure["listen", "easy", "0"]["rounds"] == Spread(median=1, low=1, high=1, n=2)
    assert disclosure["listen", "easy", "1"] == {
        "rounds": Spread(median=2, low=2, high=2, n=1),
        "unlocked": 1,
        "never": 1,
        "dialogues": 2,
    }
    assert disclosure["listen", "hard", "1"]["unlocked"] == 1
    assert ("Difficulty", "easy, hard") in made.facts and ("Trust rules", "neutral") in made.facts
    assert ("Form invariance of the appraisal", "not measured") in made.facts
    assert made.warnings == [
        "Rows pool 2 kinds of simulated user (guarded easy neutral; guarded hard neutral): "
        "report each on its own to compare."
    ]


def test_prompted_users_have_no_disclosure_table() -> None:
    made = report(dialogues=[dialogue("a", user_kind="")], ratings=[])
    assert "disclosure" not in [one.id for one in made.tables]
    assert "Difficulty" not in dict(made.facts)


def test_stop_reasons_and_turns() -> None:
    dialogues = [
        dialogue("a", 2),
        dialogue("b", 2, stop_reason="user_left"),
        dialogue("c", 5, stop_reason=None),
    ]
    made = report(dialogues=dialogues, ratings=[])
    assert rows(made, "stop_reasons") == {("listen", "en"): {"not told": 1, "rounds": 1, "user_left": 1}}
    assert rows(made, "turns") == {
        ("listen", "en", "5"): {"dialogues": 2},
        ("listen", "en", "11"): {"dialogues": 1},
    }
    assert rows(made, "dialogues")["listen", "en"]["rounds"] == Spread(median=2, low=2, high=5, n=3)
    assert rows(made, "dialogues")["listen", "en"]["characters per user turn"] == 4.0


@pytest.mark.parametrize(
    "changes",
    [
        {"facts": {"models": {"user": ["local:smollm2"]}}},
        {"dialogues": [dialogue("a", supporter="listen@local:smollm2")], "ratings": []},
        {"ratings": [scored("named", "comfort", 3, judge="local:SmolLM2-135M")]},
    ],
)
def test_the_embedded_model_is_named_on_the_first_line(changes: dict[str, Any]) -> None:
    made = report(**changes)
    assert made.warnings[0] == EMBEDDED_WARNING
    assert render_markdown(made).splitlines()[0] == f"> **Warning.** {EMBEDDED_WARNING}"
    assert render_html(made).index(EMBEDDED_WARNING) < render_html(made).index("<h1>")
    assert all(EMBEDDED_WARNING in text for text in render_latex(made).values())
    assert to_json(made)["warnings"][0] == EMBEDDED_WARNING


def test_an_empty_run_still_makes_a_report() -> None:
    made = build_report([], [], [], {})
    assert [one.id for one in made.tables] == ["main"]
    assert "# Report\n" in render_markdown(made) and "<h1>Report</h1>" in render_html(made)
    assert ("Cost", "not known") in made.facts


def test_unknown_facts_are_an_error() -> None:
    with pytest.raises(CocoonError, match="key 'tokens'"):
        build_report([], [], [], {"tokens": 3})


def test_ratings_of_unknown_dialogues_are_told() -> None:
    made = report(dialogues=[], ratings=[scored("x", "comfort", 3)])
    assert made.warnings == ["1 rated dialogues are not among the dialogues; their language is unknown."]


# Escaping. Each text goes through every place that shows data: supporter, judge, model, reason, failure.

HOSTILE = [
    "a|b\n| c | d |",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[link](javascript:alert(1)) ![i](http://x/y.png) `code` **bold** $x$ ~~s~~ # h & _e_",
    "\\input{/etc/passwd} \\write18{rm} % & # _ ^ ~ { } $x$",
    "=1+1",
    "+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1",
    "\x00\x1b[31m\u202eevil",
    "用户，支持者：“没事”",
]


def hostile_report(text: str) -> Report:
    failures = [Failure(dialogue="x", stage="conversation", node=text, reason=text, message=text)]
    ratings = [scored("a", "comfort", 3, supporter=text, judge=text, prompt_sha=text)]
    ratings += [rating("a", PAPER, supporter=text, judge=text, verdict=Verdict(success=None, missing=text))]
    dialogues = [dialogue("a", supporter=text, stop_reason=text, user_kind=text)]
    return report(
        dialogues=dialogues,
        ratings=ratings,
        failures=failures,
        facts={"name": text, "models": {text: [text]}},
    )


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that tags nest."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_html_holds_data_as_text_alone(text: str) -> None:
    plain, page = Page(), Page()
    plain.feed(render_html(hostile_report("plain")))
    page.feed(render_html(hostile_report(text)))
    assert page.open == []
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in plain.tags}
    assert [attributes for _, attributes in page.tags] == [attributes for _, attributes in plain.tags]
    assert not any(name.startswith("on") or name in ("src", "href") for _, some in page.tags for name in some)
    assert not re.search("[\x00-\x08\x1b\u202e]", page.text)


def test_the_html_policy_admits_this_style_sheet_and_nothing_else() -> None:
    text = render_html(report())
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert style is not None and policy is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert policy.group(1) == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "<script" not in text and "style=" not in text and "http" not in style.group(1)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_tables_keep_their_shape(text: str) -> None:
    width = 0
    for line in render_markdown(hostile_report(text)).splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line))
        assert cells == (width or cells) if line.startswith("|") else cells == 0
        width = cells if line.startswith("|") else 0
    assert not re.search(r"(?<!\\)[<`\[]", escape_markdown(text))


def test_markdown_leaves_names_readable() -> None:
    assert escape_markdown("gpt-4o_mini v1.0 用户") == "gpt-4o_mini v1.0 用户"
    assert escape_markdown("_x_ *y*") == "\\_x\\_ \\*y\\*"


@pytest.mark.parametrize("text", HOSTILE)
def test_csv_cells_are_no_formulas(text: str) -> None:
    for name, content in render_csv(hostile_report(text)).items():
        lines = list(csv.reader(io.StringIO(content)))
        assert len({len(line) for line in lines}) == 1, name
        for line in lines[1:]:
            assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for cell in line)
            assert not any(cell.startswith("-") and not re.fullmatch(r"-[\d.e-]+", cell) for cell in line)


def test_csv_is_tidy_and_unrounded() -> None:
    lines = list(csv.DictReader(io.StringIO(render_csv(report())["main"])))
    aff = next(line for line in lines if line["measure"] == "Aff")
    assert (aff["supporter"], aff["judge"], aff["value"], aff["n"], aff["missing"]) == (
        "listen",
        "gpt-x",
        "3.0",
        "5",
        "0",
    )
    assert len(lines) == 11


@pytest.mark.parametrize("text", HOSTILE)
def test_latex_commands_are_ours_alone(text: str) -> None:
    escaped = escape_latex(text)
    ours = r"\\text(?:backslash|ascii\w+|less|greater|bar)\{\}|\{\\char34\}|\{[\[\]]\}|\\[{}$&#%_]"
    assert not re.search(r"[\\{}$&#%_^~<>|\"\[\]]", re.sub(ours, "", escaped))
    made, plain = render_latex(hostile_report(text))["main"], render_latex(hostile_report("plain"))["main"]
    assert len(re.findall(r"(?<!\\)&", made)) == len(re.findall(r"(?<!\\)&", plain))
    assert made.count("\n") == plain.count("\n")


def test_latex_tables_are_booktabs() -> None:
    text = render_latex(report())["main"]
    assert text.count(r"\toprule") == text.count(r"\midrule") == text.count(r"\bottomrule") == 1
    assert r"listen & gpt-x & en & with need & \shortstack{0.75\\{\scriptsize {[}0.30, 0.95{]}}" in text
    assert text.count("{") == text.count("}")


def test_json_says_the_same_and_can_be_written() -> None:
    made = json.loads(json.dumps(to_json(report()), allow_nan=False))
    row = made["tables"]["main"]["rows"][0]
    assert row["Supporter"] == "listen" and row["measures"]["SR"]["value"] == 0.75
    assert row["measures"]["Flu"]["value"] is None
    assert set(made["tables"]) == {one.id for one in report().tables}
