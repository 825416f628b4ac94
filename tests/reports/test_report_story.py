"""What a report says in sentences, whom it quotes, and where its figures lead."""

import re
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, unquote

import pytest

from cocoon.core.jsonl import dump_line
from cocoon.core.records import Failure, Language, Rating, Verdict
from cocoon.evaluation.measures import MEASURES
from cocoon.evaluation.scales.scoring import load_scale, shipped_scales
from cocoon.evaluation.success.verdicts import PAPER
from cocoon.reports.formats.html_page import render_html
from cocoon.reports.narrative.abbreviations import extent, meaning, short_names
from cocoon.reports.narrative.phrases import all_phrases
from cocoon.reports.narrative.translation import translated
from cocoon.reports.runs import build_run_report
from cocoon.reports.tables.records import Report
from cocoon.tests.commands import cocoon
from cocoon.tests.reports.report_cases import FACTS, KINDS, dialogue, rating, report, scored, verdicts

TRACE = "trace/view.html"


def two_supporters(**changes: object) -> Report:
    """Six people with two supporters: one names the need to five of them, the other to one."""
    ratings = list[Rating]()
    dialogues = []
    for number in range(6):
        for name, success in (("warm", number < 5), ("cold", number < 1)):
            key = f"p{number}/{name}"
            dialogues.append(dialogue(key, supporter=name))
            ratings.append(rating(key, PAPER, supporter=name, verdict=Verdict(success=success)))
            ratings.append(scored(key, "comfort", 3 + success + (number == 2), supporter=name))
    return report(**{"dialogues": dialogues, "ratings": ratings, **changes})


def test_the_result_is_said_with_its_uncertainty() -> None:
    made = two_supporters()
    assert made.compared == "12 dialogues of 6 simulated people with 2 supporters: cold, warm."
    first, second, third = made.findings
    # As in the table, cold comes before warm.
    assert re.search(r"17% of the dialogues with cold \(95% interval .*\), and in 83% with warm \(.* 44% to 97%", first)
    # Newcombe's paired interval of 4 people of 6 leaves out 0.
    assert re.search(r"warm is above cold by 67 percentage points \(95% interval \d+ to \d+, 6 people\)", first)
    assert "the interval leaves out 0, so at this level the data speak for a difference." in first
    assert second.startswith("Affective improvement is 3.3 of 7 with cold")
    assert third == "No verdict and no value is missing."


def test_a_difference_that_may_be_chance_is_called_open() -> None:
    dialogues = [dialogue(f"p{number}/{name}", supporter=name) for number in range(4) for name in ("a", "b")]
    ratings = [
        rating(one.id, PAPER, supporter=one.supporter, verdict=Verdict(success=one.id in ("p0/a", "p1/a", "p0/b")))
        for one in dialogues
    ]
    (line, _) = report(dialogues=dialogues, ratings=ratings).findings
    assert "does not settle which is better" in line


def test_what_is_missing_is_said_with_the_bounds_that_it_leaves() -> None:
    line = report().findings[-1]
    assert line.startswith("2 of 15 ratings lack a verdict or at least one value")
    assert "One rating is one vote on success or on one scale, for one dialogue." in line
    assert line.endswith("the success rate of listen lies between 60% and 80%.")
    lost = [Failure(dialogue="x", stage="conversation", node="speak", reason="r", message="m")]
    assert report(failures=lost).findings[-1].endswith("Dialogues that were never finished: 1.")


def test_without_ratings_there_is_no_result() -> None:
    assert report(ratings=[]).findings == ["Nothing has been judged yet, so there is no result: run cocoon judge."]


def test_of_several_judges_the_one_with_most_ratings_is_told_and_the_others_are_counted() -> None:
    ratings = [one for kind in ("named", "nobody") for one in verdicts(kind, kind)]
    ratings += [scored("named", "comfort", 3, judge="other")]
    first, *_, last = report(ratings=ratings).findings
    assert first.startswith("By gpt-x, en, with need: ")
    assert last == "Other combinations of judge, language and prompts: 1, in the table."


def test_the_dialogues_that_are_quoted_are_the_best_the_worst_and_the_disputed() -> None:
    votes = [rating("c", PAPER, vote=vote, verdict=Verdict(success=vote == 0)) for vote in range(2)]
    ratings = [*votes, scored("a", "comfort", 5), scored("b", "comfort", 1), scored("d", "comfort", 4)]
    ratings += [rating(name, PAPER, verdict=Verdict(success=name != "b")) for name in "abd"]
    made = report(dialogues=[dialogue(name) for name in "abcd"], ratings=ratings)
    chosen = [(excerpt.kind, excerpt.dialogue, excerpt.why) for excerpt in made.excerpts]
    assert chosen == [
        ("best", "a", "need named, affective improvement 5.0"),
        ("worst", "b", "need not named, affective improvement 1.0"),
        ("disputed", "c", "votes on success: 1 yes, 1 no"),
    ]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder of one dialogue, whose need is quoted."""
    folder = tmp_path / "run"
    folder.mkdir()
    one = dialogue("p1/a", rounds=6)
    one.turns[8].content = "Well. I <b>need</b> rest."
    verdict = Verdict(success=True, named_by="supporter", how="after_reflection", turn=8, quote="I <b>need</b> rest")
    (folder / "dialogues.jsonl").write_bytes(dump_line(one))
    (folder / "ratings.jsonl").write_bytes(dump_line(rating("p1/a", PAPER, verdict=verdict)))
    return folder


def test_a_quoted_dialogue_shows_the_turns_around_the_evidence(run: Path) -> None:
    made = build_run_report(run)
    (best,) = made.excerpts
    assert [turn.number for turn in best.turns] == [7, 8, 9, 10] and best.total == 13
    assert best.turns[2].pieces == [("Well. ", False), ("I <b>need</b> rest", True), (".", False)]
    assert [opinion.outcome for opinion in best.opinions] == ["need found, by the supporter, after a reflection"]
    page = render_html(made)
    assert '<mark title="judge&#x27;s evidence">I &lt;b&gt;need&lt;/b&gt; rest</mark>' in page
    assert "No dialogue was judged in two ways that differ." in page


def test_the_methods_are_a_paragraph_of_what_the_run_says_of_itself() -> None:
    facts = {"software": "COCOON 9", "rounds": 3, "samples": 2, "seed": 7, "supporters": {"listen": "m, listen"}}
    made = report(facts=facts | {"judge_temperature": 0.0})
    for part in (
        "With COCOON 9, 5 user profiles (en) each spoke with the supporters listen (m, listen) for up to 3 rounds, 2",
        "gpt-x judged each dialogue 1 time(s) on comfort, success_attributed, success_paper",
        "The judge's temperature was 0. ",
        "The random seed was 7. ",
    ):
        assert part in made.methods
    assert "\n" not in made.methods and escape(made.methods) in render_html(made)


class Links(HTMLParser):
    """Collects the addresses of links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name == "href" and value is not None]


@pytest.mark.parametrize("name", ["warm", '"><script>alert(1)</script>&judge=x#?', "javascript:alert(1)", "温"])
def test_every_figure_leads_to_the_dialogues_behind_it(name: str) -> None:
    ratings = [rating("p/a", PAPER, supporter=name, verdict=Verdict(success=True)), scored("p/a", "comfort", 3)]
    ratings[1].supporter = name
    made = report(dialogues=[dialogue("p/a", supporter=name)], ratings=ratings)
    assert not [link for link in Links(render_html(made)).found if not link.startswith("#")]
    links = Links(render_html(made.model_copy(update={"trace": TRACE}))).found
    assert all(link.startswith(("#", TRACE)) for link in links)
    filters = [parse_qs(link.partition("#?")[2]) for link in links if "#?" in link]
    whose = {"supporter": [name], "judge": ["gpt-x"], "language": ["en"], "need": ["yes"]}
    assert {**whose, "scale": ["success_paper"]} in filters and {**whose, "scale": ["comfort"]} in filters
    assert {**whose, "scale": ["success_attributed"], "outcome": ["nobody"]} not in filters
    assert {"supporter": [name], "language": ["en"], "stop": ["rounds"]} in filters
    assert all(set(one) <= {*whose, "scale", "stop", "turns", "missing", "success", "flag"} for one in filters)
    assert {**whose, "flag": ["any"]} in filters


def test_a_quoted_dialogue_leads_to_the_whole_of_it(run: Path) -> None:
    made = build_run_report(run).model_copy(update={"trace": TRACE})
    assert f"{TRACE}#p1%2Fa" in Links(render_html(made)).found and unquote("p1%2Fa") == "p1/a"


def test_short_names_are_explained_where_they_stand() -> None:
    page = render_html(two_supporters())
    assert '<abbr title="affective improvement, 1–7, higher is better">Aff</abbr>' in page
    assert "<small>affective improvement, 1–7, higher is better</small>" in page
    assert meaning("Neg (lower is better)", "zh") == "对支持者的负面评价" and extent("Flu", "en").startswith("10–100")
    assert short_names(["http://h/v1#a", "gpt", "http://g/v1#a"]) == {
        "http://h/v1#a": "http://h/v1#a",
        "gpt": "gpt",
        "http://g/v1#a": "http://g/v1#a",
    }
    assert short_names(["http://h/v1#a"]) == {"http://h/v1#a": "a"}


def test_every_sentence_is_there_in_both_languages() -> None:
    for english, chinese in all_phrases().values():
        assert set(re.findall(r"\{(\w+)\}", english)) == set(re.findall(r"\{(\w+)\}", chinese))
        assert not re.search("[\u4e00-\u9fff]", english)


class Words(HTMLParser):
    """Collects the text outside of drawings and style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not {"style", "svg"} & set(self.inside):
            self.found.append(data)


# Short names, and names that people gave.
UNTRANSLATED = {"SR", "Spearman", "ICC(2,1)", "ICC(2,k)", *(measure.label for measure in MEASURES)}


def full_report(language: Language) -> Report:
    """A report with every table: both modes, two judges with two votes, an own scale, guarded users, failures."""
    dialogues = [dialogue(kind, user_kind="guarded", difficulty="easy", rules="neutral") for kind in KINDS]
    ratings = [
        one
        for kind in KINDS
        for judge in ("first", "second")
        for vote in range(2)
        for one in [
            *verdicts(kind, kind, judge=judge, vote=vote),
            *(scored(kind, scale, 1 + len(kind) % 5 + vote, judge=judge, vote=vote) for scale in ("comfort", "aels")),
        ]
    ]
    ratings[2].missing = {"*": "there is no reply"}
    failures = [Failure(dialogue="x", stage="conversation", node="speak", reason="r", message="m")]
    dialogues[0].turns[2].finish = "length"
    scales = {name: load_scale(name) for name in shipped_scales()}
    calls = {"role": "judge", "model": "gpt-x", "calls": 8, "cut": 3, "refused": 2, "short_prompts": 4}
    facts = {**FACTS, "learnt": {"gpt-x": ["temperature"]}, "replies": [calls]}
    facts |= {"scripted": True, "embedded": True}
    return report(
        dialogues=dialogues, ratings=ratings, failures=failures, facts=facts, scales=scales, language=language
    )


def test_every_word_of_every_table_is_there_in_chinese() -> None:
    made = full_report("en")
    assert len(made.tables) >= 20, [table.id for table in made.tables]
    # Notes of variants come from the files of scales.
    notes = [table.note for table in made.tables if table.note and table.id != "variants"]
    words = [text for table in made.tables for text in (table.title, *table.keys, *table.measures)]
    names = [name for name, _ in made.facts]
    english = {text for text in [*words, *notes, *names, *made.notes, *made.warnings] if translated(text, "zh") == text}
    assert english <= UNTRANSLATED, english - UNTRANSLATED


def test_the_chinese_page_has_no_english_sentence() -> None:
    made = full_report("zh")
    page = render_html(made.model_copy(update={"tables": [one for one in made.tables if one.id != "variants"]}))
    assert '<html lang="zh">' in page
    english = [text for text in Words(page).found if re.search(r"[a-z]{3,} [a-z]{2,} [a-z]{3,}", text)]
    assert not english, english


@pytest.mark.parametrize(
    ("text", "language", "shown"),
    [
        ("n 4, missing 1", "zh", "n 4，缺失 1"),
        ("0.60 to 0.80", "zh", "0.60 至 0.80"),
        ("talk to me", "zh", "talk to me"),
        ("Report of {x}", "zh", "{x} 的报告"),
        ("Scores", "en", "Scores"),
    ],
)
def test_words_of_the_report_are_translated_and_data_is_not(text: str, language: Language, shown: str) -> None:
    assert translated(text, language) == shown


def test_the_terminal_shows_one_screen_and_no_markup(run: Path) -> None:
    done = cocoon("report", str(run), "--no-trace")
    assert done.code == 0 and not (run / "trace").exists()
    assert "1 dialogue of 1 simulated person with 1 supporter: listen." in done.out
    assert "The need was named in 100% of the dialogues with listen" in done.out
    assert re.search(r"SR  success rate +1.00", done.out)
    assert len(done.out.splitlines()) < 40 and not re.search(r"\\\[|\||\x1b|^#", done.out)
    assert f"cocoon view {run}" in done.err


def test_the_trace_page_stands_beside_the_report(run: Path) -> None:
    done = cocoon("report", str(run), "--language", "zh")
    assert done.code == 0 and "1 位模拟用户" in done.out
    assert (run / "trace" / "view.html").exists()
    page = (run / "report.html").read_text("utf-8")
    links = {link.partition("#")[0] for link in Links(page).found}
    assert links == {"", TRACE}
