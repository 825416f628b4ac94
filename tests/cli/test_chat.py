"""`cocoon chat` over scripted models and the HTTP path, with the person's words on standard input."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cocoon.benchmarks.endpoint.settings import Settings
from cocoon.core.jsonl import dump_line, read_records
from cocoon.core.records import Dialogue
from cocoon.models.journal.store import Journal
from cocoon.running.folder import RunFolder
from cocoon.tests.commands import Done, cocoon, endpoint

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def script(tmp_path: Path) -> Any:
    """Writes a scripted model; its spec."""

    def write(*replies: str, name: str = "user") -> str:
        file = tmp_path / f"{name}.jsonl"
        file.write_bytes(b"".join(map(dump_line, replies)))
        return f"scripted:{file}"

    return write


def as_supporter(model: str, typed: str, *more: str) -> Done:
    appraiser = [] if "prompted" in more else ["--appraiser", "rule"]
    return cocoon("chat", "--user", model, *appraiser, "--profile", "shipped:en#en-02", *more, typed=typed)


def dialogues(run: Path) -> list[Dialogue]:
    return list(read_records(run / "dialogues.jsonl", Dialogue))


def turns(dialogue: Dialogue) -> list[tuple[str, str]]:
    return [(turn.role, turn.content) for turn in dialogue.turns]


def test_a_person_talks_to_the_guarded_user_and_the_dialogue_is_kept(script: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    typed = "That sounds hard.\n/state\n  \n/quit\n"
    done = as_supporter(script("Hm.", "I don't know."), typed, "--out", str(run), "--difficulty", "hard")
    assert done.code == 0
    (dialogue,) = dialogues(run)
    opening = dialogue.turns[0].content
    assert turns(dialogue)[1:] == [("user", "Hm."), ("supporter", "That sounds hard."), ("user", "I don't know.")]
    lines = done.out.splitlines()
    assert lines[:4] == [f"Supporter: {opening}", "User: Hm.", "Supporter: That sounds hard.", "User: I don't know."]
    assert lines[4].startswith("trust -1 (") and lines[4].endswith("hard, attuned rules")
    assert (dialogue.id, dialogue.supporter, dialogue.stop_reason) == (
        "chat.en-02.person.0",
        "person",
        "supporter_left",
    )
    assert (dialogue.user_kind, dialogue.difficulty, dialogue.rules) == ("guarded", "hard", "attuned")
    assert dialogue.turns[3].state is not None and dialogue.turns[3].state.trust == -1
    assert not list(run.glob(".chat*"))


def test_state_shows_what_is_open_and_only_counts_what_is_not(script: Any) -> None:
    done = as_supporter(script("Hm."), "/state\n/quit\n", "--difficulty", "normal")
    told = done.out[done.out.index("trust") :]
    profile = json.loads(cocoon("profiles", "show", "shipped:en", "en-02", "--json").out)
    needs = [step["need"] for step in profile["chain"]]
    assert f"  open: {needs[0]}" in told and needs[1] not in told and needs[2] not in told
    closed = sum(memory["chain_node"] != 0 for memory in profile["memory"])
    assert f"closed: 2 of 3 needs, {closed} memories" in told


def test_naming_what_is_unsaid_moves_the_state(script: Any) -> None:
    needs = json.loads(cocoon("profiles", "show", "shipped:en", "en-02", "--json").out)["chain"]
    words = f"Perhaps it is this: {needs[1]['need']}"
    done = as_supporter(script("Hm."), f"{words}\n/state\n", "--difficulty", "easy", "-o", "user.rules=naming")
    assert "trust 3 (" in done.out


def test_the_prompted_user_has_no_state_and_may_leave(script: Any, tmp_path: Path) -> None:
    model = script("Hello.", "I have to go.\n[END]", "never said")
    arguments = ["--user-kind", "prompted", "-o", "user.may_leave=true", "--out", str(tmp_path)]
    done = as_supporter(model, "/state\nTell me.\nAre you there?\n", *arguments)
    (dialogue,) = dialogues(tmp_path)
    assert "the prompted user has no state" in done.out and "ended the talk" in done.err
    assert turns(dialogue)[-1] == ("user", "I have to go.") and dialogue.stop_reason == "user_left"
    assert (dialogue.user_kind, dialogue.difficulty) == ("prompted", "")


def test_a_user_who_is_pressed_too_hard_leaves(script: Any, tmp_path: Path) -> None:
    done = as_supporter(script("Hm."), "You must be honest, just tell me!\n" * 5, "--out", str(tmp_path))
    (dialogue,) = dialogues(tmp_path)
    assert dialogue.stop_reason == "user_left" and "ended the talk" in done.err
    assert [role for role, _ in turns(dialogue)].count("supporter") < 6


def test_a_person_talks_to_the_supporter(script: Any, tmp_path: Path) -> None:
    model = script("I hear you.", "Take your time.")
    typed = "I am sad.\n/nonsense\n/state\nBecause of work.\n"
    done = cocoon("chat", "--as", "user", "--supporter", model, "--out", str(tmp_path), typed=typed)
    (dialogue,) = dialogues(tmp_path)
    assert done.code == 0 and "the supporter has no state" in done.out and done.err.count("/quit ends the talk") == 2
    assert turns(dialogue)[1:] == [
        ("user", "I am sad."),
        ("supporter", "I hear you."),
        ("user", "Because of work."),
        ("supporter", "Take your time."),
    ]
    assert (dialogue.user_kind, dialogue.profile.need, dialogue.stop_reason) == ("person", None, "user_left")
    assert "text stays on this machine" in done.err


def test_the_language_chooses_opening_and_profile(script: Any, tmp_path: Path) -> None:
    cocoon(
        "chat", "--as", "user", "--supporter", script("嗯"), "--language", "zh", "--out", str(tmp_path), typed="累\n"
    )
    cocoon(
        "chat", "--user", script("嗯"), "--appraiser", "rule", "--language", "zh", "--out", str(tmp_path), typed="累\n"
    )
    assert [(one.language, one.profile.id) for one in dialogues(tmp_path)] == [("zh", "person"), ("zh", "zh-01")]


def test_each_turn_leads_to_its_calls_in_the_journal(script: Any, tmp_path: Path) -> None:
    as_supporter(script("Hm.", "Well."), "I see.\n", "--out", str(tmp_path))
    (dialogue,) = dialogues(tmp_path)
    journal = Journal(tmp_path / "journal.sqlite")
    entries = {place.key: entry.text for place, entry in journal.load(dialogue.id).items()}
    journal.close()
    told = [(turn.content, [entries[key] for key in turn.calls]) for turn in dialogue.turns if turn.role == "user"]
    assert told == [("Hm.", ["Hm."]), ("Well.", ["Well."])]


def test_chats_are_appended_to_a_run_under_ids_of_their_own(script: Any, tmp_path: Path) -> None:
    for _ in range(3):
        assert as_supporter(script("Hm."), "I see.\n", "--out", str(tmp_path)).code == 0
    assert [one.id for one in dialogues(tmp_path)] == [f"chat.en-02.person.{number}" for number in range(3)]


def test_a_talk_in_which_nothing_was_said_is_not_kept(script: Any, tmp_path: Path) -> None:
    done = cocoon("chat", "--as", "user", "--supporter", script("Hm."), "--out", str(tmp_path), typed="/quit\n")
    assert done.code == 0 and "nothing was said" in done.err and dialogues(tmp_path) == []


def test_a_run_that_another_process_works_on_is_left_alone(script: Any, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    try:
        done = as_supporter(script("Hm."), "I see.\n", "--out", str(tmp_path))
    finally:
        folder.trace.close()
        folder.close()
    assert done.code == 2 and "another process" in done.err


def test_over_http_the_host_is_told_and_answers_come(tmp_path: Path) -> None:
    with endpoint() as spec:
        done = as_supporter(spec, "I see.\nTell me more.\n", "--out", str(tmp_path))
    (dialogue,) = dialogues(tmp_path)
    assert done.code == 0 and f"text goes to: {spec.split('/')[2]}" in done.err
    assert [role for role, _ in turns(dialogue)] == ["supporter", "user"] * 3


def test_words_without_an_answer_are_kept_and_the_exit_code_says_so(script: Any, tmp_path: Path) -> None:
    out = ["--out", str(tmp_path)]
    done = cocoon("chat", "--as", "user", "--supporter", script("", " ", ""), *out, typed="I am sad.\nHello?\n")
    (dialogue,) = dialogues(tmp_path)
    assert done.code == 1 and done.err.count("no answer: ") == 2 and "three empty replies" in done.err
    assert "not said: your words before it still wait" in done.err
    assert turns(dialogue)[1:] == [("user", "I am sad.")]


def test_enter_tries_again_after_a_failure(script: Any, tmp_path: Path) -> None:
    model = script("", "", "", "I am here.")
    done = cocoon("chat", "--as", "user", "--supporter", model, "--out", str(tmp_path), typed="I am sad.\n\n/quit\n")
    (dialogue,) = dialogues(tmp_path)
    assert done.code == 0 and turns(dialogue)[1:] == [("user", "I am sad."), ("supporter", "I am here.")]


def test_what_a_model_says_does_not_steer_the_terminal(script: Any) -> None:
    done = as_supporter(script("Hm \x1b]0;title\x07 \u202eback [bold]x[/bold] {{ 7*7 }}"), "/quit\n")
    assert "\x1b" not in done.out and "\x07" not in done.out and "\u202e" not in done.out
    assert "User: Hm \\x1b]0;title\\x07 \\u202eback [bold]x[/bold] {{ 7*7 }}" in done.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--profile", "shipped:en#en-99"], "shipped:en: no profile 'en-99' in it"),
        (["--profile", "absent.jsonl#a"], "'absent.jsonl': no such file"),
        (["--difficulty", "vile"], "'vile' is not one of 'easy', 'normal', 'hard'"),
        (["--user", "nonsense"], "model 'nonsense' is not understood"),
        (["--supporter-prompt", "absent", "--as", "user"], "'supporter/absent.en.md' does not exist"),
        (["--supporter-prompt", "plain"], "you play the supporter yourself"),
        (["--difficulty", "hard", "--as", "user"], "you play the user yourself"),
        (["--difficulty", "hard", "--user-kind", "prompted"], "a prompted user has no trust gate"),
        (["--profile", "shipped:en", "--language", "zh"], "the language is that of profile 'shipped:en'"),
        (["--as", "user", "--supporter", "a:b", "--supporter", "c:d"], "a chat has one supporter"),
        (["-o", "rounds=3"], "-o rounds: `cocoon chat` has no use for it"),
    ],
)
def test_wrong_arguments_are_one_line(script: Any, arguments: list[str], told: str) -> None:
    other = ["--supporter", script("Hm.")] if "user" in arguments else ["--user", script("Hm.")]
    done = cocoon("chat", *other, *arguments, typed="Hello.\n")
    assert done.code == 2 and told in " ".join(done.err.splitlines()[-1:])


def start(*arguments: str) -> "subprocess.Popen[str]":
    """`cocoon chat` as a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / ".static"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "cocoon.cli.main", "chat", *arguments]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, env=environment, text=True, encoding="utf-8", **pipes)


def heard(process: "subprocess.Popen[str]", start: str) -> None:
    """Read what the process prints up to a line that begins so."""
    assert process.stdout is not None
    assert any(line.startswith(start) for line in process.stdout), f"never said {start!r}"


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGKILL])
def test_nothing_said_is_lost_when_the_talk_is_cut_off(script: Any, tmp_path: Path, signal_: signal.Signals) -> None:
    run = tmp_path / "run"
    user = ["--user", script("Hm.", "Well."), "--appraiser", "rule", "--profile", "shipped:en#en-02"]
    with start(*user, "--out", str(run)) as process:
        assert process.stdin is not None
        heard(process, "User: Hm.")
        process.stdin.write("I see.\n")
        process.stdin.flush()
        heard(process, "User: Well.")
        process.send_signal(signal_)
        assert process.wait(30) == (0 if signal_ == signal.SIGINT else -signal.SIGKILL)
    if signal_ == signal.SIGKILL:
        assert dialogues(run) == []
        as_supporter(script("Hm."), "", "--out", str(run))
    first = dialogues(run)[0]
    assert turns(first)[1:] == [("user", "Hm."), ("supporter", "I see."), ("user", "Well.")]
    assert len({one.id for one in dialogues(run)}) == len(dialogues(run)) and not list(run.glob(".chat*"))


def test_ctrl_c_while_the_model_is_at_it_keeps_the_persons_words(tmp_path: Path) -> None:
    with (
        endpoint(Settings(faults={"hang": 1.0})) as spec,
        start("--as", "user", "--supporter", spec, "--out", str(tmp_path)) as process,
    ):
        assert process.stdin is not None
        heard(process, "Supporter: ")
        process.stdin.write("I am sad.\n")
        process.stdin.flush()
        heard(process, "User: I am sad.")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in (0, 1)
    assert turns(dialogues(tmp_path)[0])[1:] == [("user", "I am sad.")]
