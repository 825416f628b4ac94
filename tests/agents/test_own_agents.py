"""Agents of a user's own in the loop: by `python:FILE.py:NAME` and handed over in Python, journalled and resumed."""

import json
from pathlib import Path

import pytest

from cocoon.core.jsonl import read_lines, read_records
from cocoon.core.records import Dialogue, Rating
from cocoon.reports.origin import SCRIPTED_WARNING
from cocoon.running.manifest import read_manifest
from cocoon.tests.commands import Done, cocoon

FILE = Path(__file__).parent / "own_agents.py"
RULE = ["--user", "scripted:user.jsonl", "--appraiser", "rule", "-o", "form_pairs=0"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "user.jsonl").write_text('"It is nothing."\n')
    (tmp_path / "listener.jsonl").write_text('"I hear you."\n')
    (tmp_path / "mine.py").write_text(FILE.read_text())
    return tmp_path


def simulate(*arguments: str, out: str = "run") -> Done:
    return cocoon(
        "simulate", "--profiles", "shipped:en", "-n", "1", "--rounds", "2", *arguments, "--out", out, "--json"
    )


def dialogue(out: str = "run") -> Dialogue:
    (record,) = read_records(Path(out) / "dialogues.jsonl", Dialogue)
    return record


def spoken(out: str = "run") -> list[str]:
    return [turn.content for turn in dialogue(out).turns if turn.role == "supporter"][1:]


@pytest.mark.parametrize("name", ["echo", "slow_echo"])
def test_a_function_is_a_supporter(name: str) -> None:
    done = simulate("--supporter", f"mine=python:mine.py:{name}", *RULE)
    assert done.code == 0, done.err
    assert dialogue().supporter == "mine" and spoken() == ["You said: It is nothing."] * 2


def test_a_run_whose_supporter_asked_no_model_names_none() -> None:
    simulate("--supporter", "mine=python:mine.py:echo", *RULE)
    manifest = read_manifest(Path("run"))
    assert manifest is not None
    assert manifest.roles == {"supporter": [], "user": ["scripted:user.jsonl"], "judge": []}
    (facts,) = manifest.agents["supporter"]
    assert (facts.name, facts.kind, facts.models, facts.prompts) == ("mine", "echo", {}, {})
    assert facts.source is not None and facts.source.file == "mine.py"
    cocoon("report", "run")
    report = Path("run/report.md").read_text()
    assert "smollm2" not in report and "embedded" not in report and "mine.py" in report


def test_an_agent_asks_through_the_journalled_client_as_often_as_it_likes() -> None:
    simulate("--supporter", "python:mine.py:Listener", *RULE)
    assert spoken() == ["I hear you. (11)"] * 2
    calls = [call for turn in dialogue().turns if turn.role == "supporter" for call in turn.calls]
    assert calls == ["supporter/1/0/0", "supporter.1/1/0/0", "supporter/2/0/0", "supporter.1/2/0/0"]


def test_the_thought_of_a_message_that_an_agent_returns_is_kept_apart() -> None:
    simulate("--supporter", "python:mine.py:thinker", *RULE)
    assert all(words.startswith("I read ") for words in spoken())
    turn = dialogue().turns[-1]
    assert turn.thought is not None and turn.thought.reasoning == "Is this sad?"
    assert turn.finish == "length"


def test_a_supporter_may_open_in_its_own_words() -> None:
    simulate("--supporter", "python:mine.py:Warm", *RULE)
    assert dialogue().turns[0].content.startswith("Hello, you look ") and spoken()[-1] == "I am here, round 2."


def test_a_chat_model_of_ones_own_is_a_model_like_any_other() -> None:
    simulate("--supporter", "m=python:mine.py:scripted_model", *RULE, "--supporter-prompt", "plain")
    assert spoken() == ["I am a chat model."] * 2
    manifest = read_manifest(Path("run"))
    assert manifest is not None and manifest.roles["supporter"] == ["python:mine.py:scripted_model"]


@pytest.mark.parametrize(
    ("supporter", "user", "label"),
    [
        ("python:mine.py:scripted_model", "python:mine.py:Counting", "python:mine.py:scripted_model"),
        ("python:mine.py:fake_model", "python:mine.py:Counting", "python:mine.py:fake_model"),
        ("python:mine.py:echo", "scripted:user.jsonl", "scripted:user.jsonl"),
        ("python:mine.py:Listener", "python:mine.py:Counting", "scripted:listener.jsonl"),
    ],
)
def test_a_scripted_model_is_a_fact_of_the_manifest_and_the_first_warning(
    supporter: str, user: str, label: str
) -> None:
    simulate("--supporter", supporter, "--user", user)
    manifest = read_manifest(Path("run"))
    assert manifest is not None and [(key, facts["scripted"]) for key, facts in manifest.models.items()] == [
        (label, True)
    ]
    for command in ("report", "fidelity"):
        assert cocoon(command, "run", "--json").json["warnings"][0] == SCRIPTED_WARNING


def test_a_run_without_a_scripted_model_has_no_such_warning() -> None:
    simulate("--supporter", "python:mine.py:echo", "--user", "python:mine.py:Counting")
    assert SCRIPTED_WARNING not in cocoon("report", "run", "--json").json["warnings"]


def test_only_the_last_reply_of_a_graph_with_tools_is_spoken_and_its_calls_are_counted() -> None:
    done = simulate("--supporter", "python:mine.py:react_supporter", *RULE)
    assert spoken() == ["I read that worry: it passes."] * 2
    report = cocoon("report", "run", "--json").json
    assert report["facts"]["Model calls"] == "6", (done.err, report["facts"])


def test_a_user_of_ones_own_has_a_memory_of_its_own_and_may_leave() -> None:
    simulate("--rounds", "5", "--supporter", "python:mine.py:echo", "--user", "python:mine.py:Counting")
    record = dialogue()
    assert record.stop_reason == "user_left" and record.user_kind == "Counting"
    memories = [turn.memory for turn in record.turns if turn.role == "user"]
    assert [memory["patience"] for memory in memories if memory] == [1, 0, -1]


def test_judges_of_ones_own_rate_and_are_reported() -> None:
    simulate("--supporter", "python:mine.py:echo", *RULE)
    for name in ("shortness", "Politeness"):
        assert cocoon("judge", "run", "--judge", f"python:mine.py:{name}").code == 0
    ratings = {rating.scale: rating for rating in read_records(Path("run/ratings.jsonl"), Rating)}
    assert ratings["shortness"].judge == "shortness" and ratings["shortness"].dimensions["shortness"] is not None
    assert ratings["politeness"].dimensions == {"thanks": 3.0, "please": None}
    assert ratings["politeness"].missing == {"please": "nobody asked"}
    report = cocoon("report", "run")
    assert report.code == 0 and "politeness" in Path("run/report.md").read_text()
    again = cocoon("judge", "run", "--judge", "python:mine.py:shortness", "--json")
    assert again.json["calls"] == 0 and len(list(read_lines(Path("run/ratings.jsonl")))) == 2


def test_what_an_agent_said_is_not_said_again_on_a_resume(folder: Path) -> None:
    (folder / "mine.py").write_text(
        "import pathlib\n"
        "def counts(messages):\n"
        "    file = pathlib.Path('count.txt')\n"
        "    number = int(file.read_text()) + 1 if file.exists() else 1\n"
        "    file.write_text(str(number))\n"
        "    return f'Reply {number}.'\n"
    )
    first = simulate("--supporter", "python:mine.py:counts", *RULE, "--budget-calls", "1")
    assert first.code == 3 and Path("count.txt").read_text() == "1"
    again = simulate("--supporter", "python:mine.py:counts", *RULE)
    assert again.code == 0 and spoken() == ["Reply 1.", "Reply 2."] and Path("count.txt").read_text() == "2"


def test_changed_code_refuses_to_resume_and_names_the_file(folder: Path) -> None:
    simulate("--supporter", "python:mine.py:echo", *RULE)
    (folder / "mine.py").write_text(FILE.read_text().replace("You said", "You told me"))
    again = simulate("--supporter", "python:mine.py:echo", *RULE)
    assert again.code == 2 and "mine.py" in again.err and again.err.count("\n") == 3, again.err


SIBLING = "from warmth import warm\ndef echo(messages):\n    return warm(messages[-1]['content'])\n"


@pytest.mark.parametrize("changed", ["warmth.py", "tones/soft.py"])
def test_a_changed_module_beside_the_agents_file_refuses_to_resume_and_is_named(folder: Path, changed: str) -> None:
    (folder / "mine.py").write_text(SIBLING)
    (folder / "warmth.py").write_text("def warm(text):\n    from tones.soft import soften\n    return soften(text)\n")
    (folder / "tones").mkdir()
    (folder / "tones" / "soft.py").write_text("def soften(text):\n    return 'Softly: ' + text\n")
    (folder / "unused.py").write_text("x = 1\n")
    assert simulate("--supporter", "python:mine.py:echo", *RULE).code == 0 and spoken()[0].startswith("Softly")
    manifest = read_manifest(Path("run"))
    assert manifest is not None and manifest.agents["supporter"][0].source is not None
    assert set(manifest.agents["supporter"][0].source.files) == {"mine.py", "warmth.py", "tones/soft.py"}
    (folder / "unused.py").write_text("x = 2\n")
    assert simulate("--supporter", "python:mine.py:echo", *RULE).code == 0
    (folder / changed).write_text((folder / changed).read_text() + "# changed\n")
    again = simulate("--supporter", "python:mine.py:echo", *RULE)
    assert again.code == 2 and f"another version of {changed}" in again.err, again.err


def test_a_judge_whose_code_changed_rates_anew(folder: Path) -> None:
    simulate("--supporter", "python:mine.py:echo", *RULE)
    cocoon("judge", "run", "--judge", "python:mine.py:shortness")
    (folder / "mine.py").write_text(FILE.read_text().replace("return 1 / max", "return 2 / max"))
    assert cocoon("judge", "run", "--judge", "python:mine.py:shortness").code == 0
    values = [rating.dimensions["shortness"] for rating in read_records(Path("run/ratings.jsonl"), Rating)]
    assert len(values) == 2 and len(set(values)) == 2


def test_a_judge_rates_anew_when_a_module_beside_its_file_changed(folder: Path) -> None:
    simulate("--supporter", "python:mine.py:echo", *RULE)
    (folder / "judging.py").write_text("from grades import FULL\n\n\ndef mark(dialogue):\n    return FULL\n")
    for rated, grades in ((1, "FULL = 1.0\n"), (1, "FULL = 1.0\n"), (2, "FULL = 0.5\n")):
        (folder / "grades.py").write_text(grades)
        assert cocoon("judge", "run", "--judge", "python:judging.py:mark").code == 0
        assert len(list(read_lines(Path("run/ratings.jsonl")))) == rated


def test_code_that_fails_is_a_failure_of_the_dialogue_with_its_reason() -> None:
    done = simulate("--supporter", "python:mine.py:Broken", "--supporter", "python:mine.py:echo", *RULE)
    assert done.code == 1 and dialogue().supporter == "echo"
    (failure,) = [line for _, line in read_lines(Path("run/failures.jsonl"))]
    assert failure["reason"] == "agent" and "ValueError: no idea what to say in en" in failure["message"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("python:absent.py:echo", "the file absent.py does not exist"),
        ("python:mine.py:ecco", "mine.py has no 'ecco'"),
        ("python:mine.py", "Write python:FILE.py:NAME"),
        ("python:bad.py:x", "bad.py, line 2: ZeroDivisionError"),
        ("python:syntax.py:x", "syntax.py, line 1: SyntaxError"),
        ("python:mine.py:FILE", "cannot be a supporter"),
    ],
)
def test_a_spec_that_leads_nowhere_is_one_line(folder: Path, spec: str, words: str) -> None:
    (folder / "bad.py").write_text("x = 1\ny = 1 / 0\n")
    (folder / "syntax.py").write_text("def x(:\n")
    (folder / "mine.py").write_text("FILE = 3\n")
    done = simulate("--supporter", spec, *RULE)
    assert done.code == 2 and words in done.err and done.err.count("\n") <= 2, done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--supporter", "python:mine.py:echo", "--supporter-prompt", "plain", *RULE],
        ["--supporter", "scripted:user.jsonl", "--user", "python:mine.py:Counting", "--difficulty", "hard"],
        ["--supporter", "scripted:user.jsonl", "--user", "python:mine.py:Counting", "--user-kind", "prompted"],
        ["--supporter", "scripted:user.jsonl", *RULE, "--judge", "python:mine.py:shortness", "--scales", "comfort"],
    ],
)
def test_a_setting_that_own_code_cannot_honour_is_refused(arguments: list[str]) -> None:
    done = simulate(*arguments)
    assert done.code == 2 and "Leave" in done.err and done.err.count("\n") <= 2, done.err


def test_the_graph_of_a_run_is_that_of_its_user() -> None:
    simulate("--supporter", "python:mine.py:echo", "--user", "python:mine.py:Counting")
    edges = cocoon("graph", "run", "--json").json
    counts = {(edge["source"], edge["target"]): edge["times"] for edge in edges["conversation-Counting"]}
    assert counts["open", "user"] == 1 and counts["user", "supporter"] == 2


def test_the_conversation_of_a_supporter_is_a_valid_record() -> None:
    simulate("--supporter", "python:mine.py:echo", *RULE)
    assert json.loads(Path("run/manifest.json").read_text())["agents"]["user"][0]["steps"].keys() == {
        "appraise",
        "disclose",
        "speak",
    }
