"""`cocoon script --writer-rules paper`: every rule of the paper's Figures 12 and 13 reaches the writer, and is kept."""

import re
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import pytest

from cocoon.core.records import Dialogue, Dropped, Language
from cocoon.evaluation.text.corpora import corpus_figures
from cocoon.running.folder import read_run
from cocoon.tests.commands import Done, cocoon, server
from cocoon.tests.graphs.competent_writer import CompetentEndpoint

LANGUAGES: tuple[Language, ...] = get_args(Language)
RULES = {
    "listen_paper": (
        *("profile", "listening", "deepening", "minimum", "inference", "assertion", "ignorance", "images", "contrast"),
        *("check", "explore", "polish", "unmet", "blurred", "recall", "bounds", "tone", "example"),
    ),
    "analyse_paper": ("link", "ways", "comfort"),
    "suggest_paper": (
        *("stage", "continue", "thread", "minimum", "past", "concrete", "affirm", "beyond", "unmet", "bounds"),
        *("inner", "weigh", "build", "example"),
    ),
}
NAMED = [(prompt, rule, language) for prompt, rules in RULES.items() for rule in rules for language in LANGUAGES]
TABLE = Path(__file__).parents[2] / "docs" / "reference" / "writer-rules.md"


def marked_lines(prompt: str, language: Language) -> dict[str, str]:
    """The lines of a shipped prompt that state a rule, by the rule's name, without what is filled in."""
    text = resources.files("cocoon.prompts").joinpath("script", f"{prompt}.{language}.md").read_text("utf-8")
    marked = re.findall(r"^\{# (\w+) #\}(.+)$", text, re.MULTILINE)
    return {name: re.sub(r"\{%.*?%\}", "", line) for name, line in marked}


def written(out: Path, *options: str, writer: CompetentEndpoint | None = None) -> tuple[CompetentEndpoint, Done]:
    """Scripts of two shipped people, one of each language, by an endpoint that does what it is asked."""
    competent = writer or CompetentEndpoint()
    with server(competent.answer()) as spec:
        given = ["script", "--profiles", "shipped", "-n", "2", "--writer", spec, "--out", str(out), "--json"]
        return competent, cocoon(*given, *options)


@pytest.fixture(scope="module")
def by_the_paper(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CompetentEndpoint]:
    out = tmp_path_factory.mktemp("scripts") / "run"
    competent, done = written(out, "--writer-rules", "paper")
    assert done.json["kept"] == 2, done.json
    return out, competent


@pytest.mark.parametrize(("prompt", "rule", "language"), NAMED)
def test_the_line_of_every_rule_reaches_the_writer(
    by_the_paper: tuple[Path, CompetentEndpoint], prompt: str, rule: str, language: Language
) -> None:
    line = marked_lines(prompt, language)[rule]
    # Numbers are filled in: what stands around them is the line.
    parts = [part.strip() for part in re.split(r"\{\{.*?\}\}", line)]
    asked = by_the_paper[1].prompts[f"script_{prompt}"]
    assert any(all(part in text for part in parts) for text in asked)


@pytest.mark.parametrize("prompt", RULES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_prompt_marks_the_rules_that_the_table_in_the_docs_has(prompt: str, language: Language) -> None:
    rows = re.findall(rf"^\| `{prompt}` \| `(\w+)` \|", TABLE.read_text("utf-8"), re.MULTILINE)
    assert sorted(marked_lines(prompt, language)) == sorted(RULES[prompt]) == sorted(rows)


def test_scripts_by_the_papers_rules_are_about_as_long_as_the_papers(
    by_the_paper: tuple[Path, CompetentEndpoint],
) -> None:
    dialogues = list(read_run(by_the_paper[0], "dialogues.jsonl", Dialogue))
    assert {dialogue.language for dialogue in dialogues} == set(LANGUAGES)
    # Counted as in the paper's Table 1, which says 18.82.
    assert 17 <= (corpus_figures(dialogues).average_turns or 0) <= 21


def test_every_reply_of_the_listening_stage_is_a_polished_rewrite(by_the_paper: tuple[Path, CompetentEndpoint]) -> None:
    for dialogue in read_run(by_the_paper[0], "dialogues.jsonl", Dialogue):
        assert dialogue.facts["writer_rules"] == "paper"
        listening = dialogue.turns[2 : dialogue.stage_boundary]
        replies = [turn for turn in listening if turn.role == "supporter"]
        assert len(replies) >= 8 and all(turn.draft and turn.draft != turn.content for turn in replies)


def test_under_our_rules_a_draft_that_asks_nothing_stays(tmp_path: Path) -> None:
    class Plain(CompetentEndpoint):
        def _listen(self, text: str) -> Any:
            piece = super()._listen(text)
            for exchange in piece["exchanges"]:
                exchange["draft"] = exchange["draft"].replace(", right?", ".").replace("，是吧？", "。")
            return piece

    _, done = written(tmp_path / "ours", writer=Plain())
    assert done.json["kept"] == 2
    assert all(
        turn.draft is None for one in read_run(tmp_path / "ours", "dialogues.jsonl", Dialogue) for turn in one.turns
    )
    written(tmp_path / "paper", "--writer-rules", "paper", writer=Plain())
    turns = [turn for one in read_run(tmp_path / "paper", "dialogues.jsonl", Dialogue) for turn in one.turns]
    assert any(turn.draft for turn in turns)


@pytest.mark.parametrize("rules", ["ours", "paper"])
def test_the_suggestion_stage_is_given_the_memories(tmp_path: Path, rules: str) -> None:
    competent, _ = written(tmp_path / "run", "--writer-rules", rules)
    asked = competent.prompts["script_suggest" if rules == "ours" else "script_suggest_paper"]
    for dialogue in read_run(tmp_path / "run", "dialogues.jsonl", Dialogue):
        assert any(all(memory.text in text for memory in dialogue.profile.memory) for text in asked)


@pytest.mark.parametrize(("rules", "fewest"), [("ours", 4), ("paper", 8)])
def test_too_few_exchanges_of_suggestions_are_asked_for_again_and_then_dropped(
    tmp_path: Path, rules: str, fewest: int
) -> None:
    competent, done = written(tmp_path / "run", "--writer-rules", rules, writer=CompetentEndpoint(suggestions=1))
    assert (done.json["kept"], done.json["dropped"]) == (0, {"write_suggestion: unreadable": 2})
    drops = list(read_run(tmp_path / "run", "dropped.jsonl", Dropped))
    assert all(f"1 exchanges are too few, at least {fewest} are needed" in drop.detail for drop in drops)
    assert "script_annotate" not in competent.prompts


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--writer-rules", "paper", "--rewrite", "none"], "rewrite every reply"),
        (["-o", "pieces=1"], "raise pieces or exchanges"),
        (["-o", "minimum_turns=400"], "are the most"),
        (["--writer-rules", "paper", "-o", "pieces=2"], "raise pieces or exchanges"),
    ],
)
def test_what_no_writer_could_keep_is_refused_before_anything_is_written(
    tmp_path: Path, options: list[str], told: str
) -> None:
    competent, done = written(tmp_path / "run", *options)
    assert done.code == 2 and told in " ".join(done.err.split()) and not competent.prompts


def test_a_leak_is_found_before_anything_else_is_paid_for(tmp_path: Path) -> None:
    class Leaking(CompetentEndpoint):
        def _listen(self, text: str) -> Any:
            piece = super()._listen(text)
            told = re.findall(r"(?:needs? underneath|心底的需要)[^:：\n]*[:：] ?(.+)", text)[0]
            piece["exchanges"][0] |= {"draft": told, "statement": told}
            return piece

    competent, done = written(tmp_path / "run", writer=Leaking())
    assert done.json["dropped"] == {"screen: leak": 2}
    assert not competent.prompts.keys() & {"script_check", "script_analyse", "script_suggest", "script_annotate"}
    notes = competent.prompts["script_listen"][-1]
    assert "knew what the User had not told" in notes or "用户还没讲过的事" in notes


def test_a_shipped_person_whose_need_shares_words_with_the_opening_passes(tmp_path: Path) -> None:
    competent = CompetentEndpoint()
    with server(competent.answer()) as spec:
        given = ["script", "--profiles", "shipped:en", "--writer", spec, "--out", str(tmp_path / "run"), "--json"]
        done = cocoon(*given)
    kept = {dialogue.profile.id for dialogue in read_run(tmp_path / "run", "dialogues.jsonl", Dialogue)}
    assert "en-05" in kept and done.json["kept"] == 10
