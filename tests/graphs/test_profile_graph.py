"""The profile graph: every edge walked with scripted answers, resumed, over HTTP and with the embedded model."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from cocoon.agents.writers.profile_checks import profile_problem, text_likeness
from cocoon.agents.writers.profiles import memory_plan
from cocoon.agents.writers.taxonomy import load_taxonomy
from cocoon.core.errors import CocoonError, StoppedError
from cocoon.core.records import ChainStep, Dropped, Failure, Memory, Profile
from cocoon.models.by_name import Models
from cocoon.running.building.config import ProfileBuildConfig, RaterConfig, WriterConfig
from cocoon.running.building.generation import Generated, generate
from cocoon.running.building.profiles import ProfileGenerator
from cocoon.running.folder import read_run
from cocoon.running.study import open_models
from cocoon.tests.commands import cocoon, endpoint, said, server
from cocoon.tests.graphs.generation_cases import Says, chat, only, walked

NEEDS = [
    "I want to hand in the tax form this week",
    "I want to show my father that I can run the shop",
    "I want to feel that this family trusts me with something",
]
FEELING = "I am anxious about getting the tax form done in time"
EVENTS = [
    "In spring my father kept the keys of the shop in his own drawer and said I would lose them.",
    "At the market a customer asked whether the owner was in, though I stood behind the counter.",
    "My aunt joked at dinner that numbers had never been my friends, and everybody laughed.",
    "Last month I sorted three boxes of receipts on the kitchen floor until it got light.",
    "On Tuesday the accountant wrote that two months of invoices were missing.",
    "Yesterday I opened the form, read the first page twice and closed the laptop.",
    "This morning my sister asked by message how far I had got, and I did not answer.",
    "Two weeks ago I dreamt that the shop stood empty and the sign was gone.",
]


def count_of(text: str) -> int:
    """How many memories a prompt asks for."""
    return int(re.findall(r"Write (\d+) memories", text)[0])


def writer(text: str) -> Any:
    """A writer that does all as it should."""
    if "wants, on the surface" in text:
        return {"need": NEEDS[0]}
    if "one more step" in text:
        return {"need": NEEDS[text.count("\n2. ") + 1]}
    if "how the person would say what they feel" in text:
        return {"feeling": FEELING}
    return {"memories": EVENTS[: count_of(text)]}


def rater(*difficulties: int | None) -> Says:
    """A rater that gives these difficulties by the length of the chain, and finds sense in everybody."""

    def rate(text: str) -> Any:
        if steps := re.findall(r"each of the (\d+) steps", text):
            return {"reason": "", "plausible": 4, "steps": [4] * int(steps[0])}
        underneath = text.partition("<underneath>")[2]
        step = next(number for number, need in enumerate(NEEDS) if need in underneath)
        return {"reason": "it follows", "difficulty": difficulties[step - 1]}

    return rate


def build(out: Path, says: Says = writer, rates: Says | None = None, limit: int = 1, **changes: Any) -> Generated:
    """A build of English profiles with a scripted writer and rater."""
    config = ProfileBuildConfig(
        languages=["en"],
        limit=limit,
        writer=WriterConfig(model="scripted:writer"),
        rater=RaterConfig(model="scripted:rater"),
        **changes,
    )
    models = Models()
    models.wrap("scripted:writer", chat(says))
    models.wrap("scripted:rater", chat(rates or rater(2, 4)))
    generator = ProfileGenerator(config, models)
    return asyncio.run(generate(generator, generator.items(), config, models, out))


def test_a_chain_stops_at_difficulty_4_and_becomes_a_profile(tmp_path: Path) -> None:
    outcome = build(tmp_path)
    (profile,) = read_run(tmp_path, "profiles.jsonl", Profile)
    assert (outcome.kept, outcome.exit_code) == (1, 0)
    assert [step.need for step in profile.chain] == NEEDS
    assert [step.difficulty for step in profile.chain] == [None, 2, 4]
    assert (profile.feeling, profile.need) == (FEELING, NEEDS[-1])
    assert 6 <= len(profile.memory) <= 8 and profile.memory[0].text.startswith(NEEDS[-1])
    nodes = [memory.chain_node or 0 for memory in profile.memory]
    assert nodes == sorted(nodes, reverse=True) and set(nodes) == {0, 1, 2}
    deeper = ["deepen_need", "rate_difficulty"]
    assert walked(tmp_path) == ["propose_need", *deeper, *deeper, "feel", "recall", "validate", "read_sense"]


def test_a_chain_stops_at_difficulty_3_after_one_step(tmp_path: Path) -> None:
    assert build(tmp_path, rates=rater(3)).kept == 1
    (profile,) = read_run(tmp_path, "profiles.jsonl", Profile)
    assert [step.need for step in profile.chain] == NEEDS[:2]


def test_a_chain_at_its_greatest_length_is_kept_or_dropped_as_set(tmp_path: Path) -> None:
    assert build(tmp_path / "kept", rates=rater(1, 2)).kept == 1
    outcome = build(tmp_path / "dropped", rates=rater(1, 2), keep_shallow=False)
    assert (outcome.kept, outcome.exit_code) == (0, 1)
    assert (only(tmp_path / "dropped").node, only(tmp_path / "dropped").reason) == ("rate_difficulty", "shallow")


def test_an_unrelated_need_is_discarded_with_its_chain(tmp_path: Path) -> None:
    outcome = build(tmp_path, rates=rater(5))
    one = only(tmp_path)
    assert (one.reason, [step["need"] for step in one.content["chain"]]) == ("unrelated", NEEDS[:2])
    assert dict(outcome.reasons) == {"rate_difficulty: unrelated": 1} and outcome.exit_code == 1
    assert walked(tmp_path)[-1] == "drop"


def test_a_rater_that_cannot_tell_gives_no_number(tmp_path: Path) -> None:
    build(tmp_path, rates=rater(None))
    assert only(tmp_path).reason == "not_rated"


@pytest.mark.parametrize("node", ["propose_need", "deepen_need", "feel", "recall"])
def test_an_unreadable_reply_is_repaired_once_and_then_dropped(tmp_path: Path, node: str) -> None:
    marks = {
        "propose_need": "wants, on the surface",
        "deepen_need": "one more step",
        "feel": "would say what they feel",
        "recall": "recent memories",
    }

    def broken(text: str) -> Any:
        return "not JSON" if marks[node] in text else writer(text)

    build(tmp_path / "broken", says=broken)
    assert (only(tmp_path / "broken").node, only(tmp_path / "broken").reason) == (node, "unreadable")
    # The repair shows the broken reply: with it in the history the second answer is the right one.
    mended = build(tmp_path / "mended", says=lambda text: writer(text) if "not JSON" in text else broken(text))
    assert mended.kept == 1


def test_an_unreadable_rating_is_dropped(tmp_path: Path) -> None:
    build(tmp_path, rates=lambda _: {"reason": "", "difficulty": 7})
    assert (only(tmp_path).node, only(tmp_path).reason) == ("rate_difficulty", "unreadable")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"feeling": "I feel that this family trusts me with something"}, "unreadable"),
        ({"feeling": "[FEELING] about the form, I mean"}, "unreadable"),
        ({"feeling": "我很焦虑报税表还没有填完"}, "unreadable"),
    ],
)
def test_a_feeling_that_tells_the_need_or_is_none_is_not_kept(tmp_path: Path, wrong: Any, reason: str) -> None:
    build(tmp_path, says=lambda text: wrong if "would say what they feel" in text else writer(text))
    assert (only(tmp_path).node, only(tmp_path).reason) == ("feel", reason)


def test_memories_that_say_one_thing_twice_fail_the_whole(tmp_path: Path) -> None:
    def twice(text: str) -> Any:
        return {"memories": [EVENTS[0]] * count_of(text)} if "recent memories" in text else writer(text)

    build(tmp_path, says=twice)
    assert (only(tmp_path).node, only(tmp_path).reason) == ("validate", "memory")
    assert only(tmp_path).content["profile"]["need"] == NEEDS[-1]


def test_of_like_profiles_the_first_is_kept_whatever_came_first(tmp_path: Path) -> None:
    outcome = build(tmp_path, limit=3)
    kept = [profile.id for profile in read_run(tmp_path, "profiles.jsonl", Profile)]
    dropped = list(read_run(tmp_path, "dropped.jsonl", Dropped))
    assert (kept, outcome.kept) == (outcome.dialogues[:1], 1)
    assert [one.reason for one in dropped] == ["near_duplicate"] * 2
    # With a lower bar they are all people of their own, without a call.
    again = build(tmp_path, limit=3, near_duplicate=100.0)
    assert (again.kept, again.progress.calls) == (1, 0)


def test_more_profiles_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    first = build(tmp_path, limit=1)
    second = build(tmp_path, limit=2)
    assert second.dialogues[:1] == first.dialogues and second.progress.resumed == 1


def test_a_build_that_was_stopped_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    asked: list[str] = []

    def counted(text: str) -> Any:
        asked.append(text)
        if len(asked) == 3:
            raise StoppedError("stopped")
        return writer(text)

    stopped = build(tmp_path, says=counted)
    assert isinstance(stopped.stopped_by, StoppedError) and stopped.exit_code == 130
    resumed = build(tmp_path, says=counted)
    assert (resumed.kept, resumed.progress.replayed) == (1, 3)
    whole = build(tmp_path / "whole")
    assert whole.kept == 1
    assert (tmp_path / "profiles.jsonl").read_bytes() == (tmp_path / "whole" / "profiles.jsonl").read_bytes()


def test_a_changed_taxonomy_is_another_run(tmp_path: Path) -> None:
    build(tmp_path / "run")
    own = tmp_path / "own.yaml"
    shipped = load_taxonomy()
    own.write_text(json.dumps(shipped.model_dump(mode="json") | {"source": "another"}), "utf-8")
    with pytest.raises(CocoonError, match="different settings"):
        build(tmp_path / "run", taxonomy=str(own))


def test_a_prompts_folder_that_is_not_there_is_told_before_the_run_has_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CocoonError, match="does not exist"):
        build(tmp_path / "run", prompts=str(tmp_path / "typo"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scenarios": []}, "scenarios"),
        ({"emotion": []}, "emotion"),
        ({"emotions": [{"id": "a", "zh": "气", "en": "b"}] * 2}, "occurs twice"),
    ],
)
def test_a_broken_taxonomy_names_file_and_key(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(json.dumps(load_taxonomy().model_dump(mode="json") | change), "utf-8")
    with pytest.raises(CocoonError) as error:
        load_taxonomy(file)
    assert str(file) in str(error.value) and told in str(error.value) and "\n" not in str(error.value)


def test_the_shipped_taxonomy_crosses_every_scenario_with_every_emotion() -> None:
    taxonomy = load_taxonomy()
    size = len(taxonomy.scenarios) * len(taxonomy.emotions)
    config = ProfileBuildConfig(languages=["zh", "en"], limit=2 * size)
    items = ProfileGenerator(config, Models()).items()
    assert len({item.id for item in items}) == 2 * size
    assert {item.given["language"] for item in items[:2]} == {"zh", "en"}
    every = [seed for scenario in taxonomy.scenarios for seed in scenario.seeds.zh + scenario.seeds.en]
    assert len(every) == len(set(every))


@pytest.mark.parametrize(("nodes", "count"), [(2, 6), (3, 6), (3, 7), (3, 8), (5, 6)])
def test_memories_go_back_along_the_chain_and_touch_every_node(nodes: int, count: int) -> None:
    plan = memory_plan(nodes, count)
    assert (plan[0], plan[-1], len(plan)) == (nodes - 1, 0, count)
    assert plan == sorted(plan, reverse=True) and set(plan) == set(range(nodes))


def valid(**changes: Any) -> Profile:
    memory = [Memory(text=text, chain_node=node) for text, node in zip(EVENTS, [2, 2, 1, 1, 0, 0], strict=False)]
    memory[0] = Memory(text=f"{NEEDS[2]}: {EVENTS[0]}", chain_node=2)
    chain = [ChainStep(need=need) for need in NEEDS]
    base = {"feeling": FEELING, "need": NEEDS[2], "chain": chain, "memory": memory}
    return Profile(id="p", language="en", emotion="anxious", **{**base, **changes})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"chain": [ChainStep(need=NEEDS[0]), ChainStep(need=NEEDS[0] + "!")], "memory": []}, "need"),
        ({"feeling": "Sad."}, "feeling"),
        ({"memory": valid().memory[::-1]}, "memory"),
        ({"memory": valid().memory[1:]}, "memory"),
        ({"memory": [Memory(text=m.text) for m in valid().memory]}, "memory"),
        ({"chain": [ChainStep(need="See https://example.org for me")] * 1, "memory": []}, "need"),
    ],
)
def test_every_rule_of_validity(changes: dict[str, Any], reason: str | None) -> None:
    found = profile_problem(valid(**changes))
    assert (found[0] if found else None) == reason


SAME_PEOPLE = [
    ("I am anxious about the exam on Friday.", "I'm anxious about the exam on Friday"),
    ("我很焦虑论文通不过盲审", "我很焦虑，怕论文通不过盲审"),
    ("I want to be trusted by my family", "I want my family to be trusted"),
    ("我希望被家里人信任", "我希望能被家里人信任"),
]
OTHER_PEOPLE = [
    ("I am anxious about the exam on Friday.", "I am sad that my dog died last week."),
    ("我很焦虑论文通不过盲审", "我很难过父亲不肯请护工"),
    ("I want to be trusted by my family", "I want to stop pleasing everyone at work"),
    ("我希望被家里人信任", "我希望证明自己不比别人差"),
]


def test_likeness_tells_rewordings_from_other_people() -> None:
    threshold = ProfileBuildConfig().near_duplicate
    alike = [text_likeness(*pair) for pair in SAME_PEOPLE]
    apart = [text_likeness(*pair) for pair in OTHER_PEOPLE]
    assert max(apart) < threshold - 20 and sum(value >= threshold for value in alike) >= 3


def test_a_build_over_http_finishes_and_keeps_every_reason(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with endpoint() as spec:
        done = cocoon("profiles", "build", "-n", "6", "--writer", spec, "--out", str(out), "--json")
        told = done.json
        dropped = list(read_run(out, "dropped.jsonl", Dropped))
        assert told["kept"] + len(dropped) == 6 and list(read_run(out, "failures.jsonl", Failure)) == []
        assert done.code == (0 if told["kept"] else 1)
        again = cocoon("profiles", "build", "-n", "6", "--writer", spec, "--out", str(out), "--json").json
    assert (again["calls"], again["kept"]) == (0, told["kept"])


@pytest.mark.parametrize(
    ("difficulties", "last_nodes", "kept", "reasons"),
    [
        ((3,), ["rate_difficulty", "feel", "recall", "validate", "read_sense"], 1, {}),
        ((2, 4), ["rate_difficulty", "feel", "recall", "validate", "read_sense"], 1, {}),
        ((1, 2), ["rate_difficulty", "feel", "recall", "validate", "read_sense"], 1, {}),
        ((5,), ["rate_difficulty", "drop"], 0, {"rate_difficulty: unrelated": 1}),
    ],
)
def test_every_end_of_a_chain_over_http(
    tmp_path: Path, difficulties: tuple[int, ...], last_nodes: list[str], kept: int, reasons: dict[str, int]
) -> None:
    asked: list[str] = []

    def answer(request: dict[str, Any]) -> tuple[int, Any]:
        text = "\n".join(message["content"] for message in request["messages"])
        asked.append(text)
        # The first reply of all is cut off, so that the repair is walked as well.
        if len(asked) == 1:
            return said('{"need": "I want')
        rates = "Rate how far" in text or "makes sense" in text
        return said(json.dumps((rater(*difficulties) if rates else writer)(text)))

    with server(answer) as spec:
        given = ["profiles", "build", "-n", "1", "--language", "en", "--writer", spec, "--concurrency", "1"]
        told = cocoon(*given, "--out", str(tmp_path), "--json").json
    assert (told["kept"], told["dropped"]) == (kept, reasons)
    assert walked(tmp_path)[-len(last_nodes) :] == last_nodes and "broken off" not in asked[1]


def test_a_dry_run_opens_nothing(tmp_path: Path) -> None:
    told = cocoon("profiles", "build", "-n", "10", "--writer", "openai:x", "--out", str(tmp_path / "r"), "--dry-run")
    assert "calls at most: 80" in told.out and "api.openai.com" in told.out and not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("nonsense", "model 'nonsense' is not understood"),
        ("openai:", "model 'openai:' is not understood"),
        ("http://127.0.0.1:9/v1", "write the server's address and the model's name"),
        ("local:smollm2+adaptor=x", "unknown part '+adaptor='; did you mean '+adapter='?"),
        ("scripted:nowhere.jsonl", "nowhere.jsonl"),
    ],
)
def test_a_dry_run_refuses_a_model_that_the_run_would_refuse(tmp_path: Path, spec: str, told: str) -> None:
    out, people = ("--out", str(tmp_path / "r"), "--dry-run"), ("--profiles", "shipped:en", "-n", "1")
    for line in (("profiles", "build", "-n", "1", "--writer", spec), ("simulate", *people, "--judge", spec)):
        done = cocoon(*line, *out)
        assert done.code == 2 and told in done.err, done


def test_a_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    build(tmp_path)
    done = cocoon("simulate", "--profiles", "shipped:en", "-n", "1", "--rounds", "0", "--appraiser", "rule",
                  "--user", "scripted:nowhere", "--out", str(tmp_path))  # fmt: skip
    assert done.code == 2


@pytest.mark.slow
def test_the_embedded_model_builds_or_says_why_not(shallow_model: None, tmp_path: Path) -> None:
    short = ("-o", "writer.max_tokens=40", "-o", "rater.max_tokens=40")
    given = ("-n", "2", "--language", "en", *short, "--out", str(tmp_path / "run"))
    done = cocoon("profiles", "build", *given, "--json")
    kept = list(read_run(tmp_path / "run", "profiles.jsonl", Profile))
    dropped = list(read_run(tmp_path / "run", "dropped.jsonl", Dropped))
    assert len(kept) + len(dropped) == 2 and done.code == (0 if kept else 1)
    assert all(profile_problem(profile) is None for profile in kept)
    assert all(one.detail for one in dropped)


def test_models_open_with_any_configuration() -> None:
    assert open_models(ProfileBuildConfig()).connections == 32
