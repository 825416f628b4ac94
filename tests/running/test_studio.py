"""LangGraph's own tools open every graph: inputs, interrupts, edited states, and futures that can be replayed."""

import importlib.util
import json
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Overwrite
from langgraph_sdk import get_client

from cocoon.benchmarks.viewer.studio_fork import draw_history, fork_at, langgraph_server, scripted_settings
from cocoon.core.errors import CocoonError
from cocoon.graphs.drawing.draw import open_graph
from cocoon.tests.conversations import ROOT, shipped_profiles

REFERENCES = json.loads((ROOT / "langgraph.json").read_text("utf-8"))["graphs"]
CONVERSATIONS = ["conversation", "conversation-prompted"]
ROUNDS = 4
NEEDS = ["I want to hand in the thesis this week", "I want to show my father that I can finish something"]
FEELING = "I am anxious about getting the thesis done in time"
MEMORIES = [
    "In spring my father kept the keys of the shop in his own drawer and said I would lose them.",
    "At the market a customer asked whether the owner was in, though I stood behind the counter.",
    "My aunt joked at dinner that numbers had never been my friends, and everybody laughed.",
    "Last month I sorted three boxes of notes on the kitchen floor until it got light.",
    "On Tuesday the supervisor wrote that two chapters of the draft were missing.",
    "Yesterday I opened the file, read the first page twice and closed the laptop.",
    "This morning my sister asked by message how far I had got, and I did not answer.",
    "Two weeks ago I dreamt that the library stood empty and the sign was gone.",
]
# As many as the graph asks for when the profile has no id of its own.
RECALLED = MEMORIES[: random.Random("profile").randint(6, 8)]
PIECE = {
    "reply": "I have not slept well.",
    "exchanges": [
        {"draft": f"The nights are short, {n}.", "statement": f"The nights are short, {n}.", "user": f"They are, {n}."}
        for n in "abc"
    ],
}
PROFILE = next(profile for profile in shipped_profiles() if profile.language == "en")
LINES = {
    # Different at every call, so that whoever asks again hears other words.
    "user": [f"It is only work, number {n}." for n in range(200)],
    "supporter": [f"I am listening, number {n}." for n in range(200)],
    "judge": [json.dumps({"reason": f"{n}", "named": n % 3 == 0, "better": "first"}) for n in range(200)],
    "writer": [
        json.dumps(reply)
        for reply in ({"need": NEEDS[0]}, {"need": NEEDS[1]}, {"feeling": FEELING}, {"memories": RECALLED}, PIECE)
    ],
    "rater": [json.dumps({"reason": "", "difficulty": 4, "plausible": 4, "steps": [4]})],
    "script_writer": [json.dumps(PIECE)],
    "script_rater": [json.dumps({"understood": True, "reached": False, "decision": "continue", "note": ""})],
}


def dialogue(name: str) -> dict[str, Any]:
    turns = [{"role": "supporter", "content": "You look tired."}, {"role": "user", "content": "Hm."}]
    profile = PROFILE.model_dump(mode="json")
    return {"id": name, "profile": profile, "supporter": "s", "language": "en", "turns": turns}


INPUTS: dict[str, Any] = {
    "profile": PROFILE.model_dump(mode="json"),
    "dialogue": dialogue("d"),
    "dialogues": [dialogue("d"), dialogue("e")],
    "scenario": "Study",
    "emotion": "anxious",
}


def studio(name: str) -> Any:
    """A graph as LangGraph's tools open it: the file by its path, the factory by its name, without arguments."""
    path, _, factory = REFERENCES[name].partition(":")
    spec = importlib.util.spec_from_file_location(f"opened_{factory}", ROOT / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, factory)()


def threaded(name: str) -> Any:
    """The same graph with threads, as LangGraph's server gives them."""
    graph = studio(name)
    graph.checkpointer = InMemorySaver()
    return graph


def thread(name: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": name}}


def words(values: Any) -> list[str]:
    return [turn["content"] for turn in values["turns"]]


def input_of(graph: Any) -> dict[str, Any]:
    """The input that a graph's own error message asks for when it is given none."""
    return {key: INPUTS[key] for key in graph.get_input_jsonschema()["required"]}


async def state_before(graph: Any, config: dict[str, Any], node: str, turns: int | None = None) -> Any:
    async for state in graph.aget_state_history(config):
        if node in state.next and turns in (None, len(state.values.get("turns", []))):
            return state
    raise AssertionError(f"no state before {node}")


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings in the environment: scripted models and a cache of its own."""
    settings = scripted_settings(tmp_path, LINES) | {
        "COCOON_ROUNDS": str(ROUNDS),
        "COCOON_JUDGE__MODEL": f"scripted:{tmp_path}/judge.jsonl",
        "COCOON_WRITER__MODEL": f"scripted:{tmp_path}/writer.jsonl",
        "COCOON_RATER__MODEL": f"scripted:{tmp_path}/rater.jsonl",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    yield
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)


@pytest.fixture
def script_settings(scripted: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer and the rater of scripts, whose settings have the names of those of profiles."""
    monkeypatch.setenv("COCOON_WRITER__MODEL", f"scripted:{tmp_path}/script_writer.jsonl")
    monkeypatch.setenv("COCOON_RATER__MODEL", f"scripted:{tmp_path}/script_rater.jsonl")


def test_langgraph_json_names_every_graph_that_we_draw() -> None:
    for name in REFERENCES:
        drawn, opened = open_graph(name).get_graph().edges, studio(name).get_graph().edges
        assert {tuple(edge) for edge in opened} == {tuple(edge) for edge in drawn}


@pytest.mark.parametrize("name", REFERENCES)
async def test_the_error_for_an_empty_input_names_the_keys_that_the_schema_requires(name: str) -> None:
    graph = studio(name)
    schema = graph.get_input_jsonschema()
    with pytest.raises(CocoonError) as failed:
        await graph.ainvoke({})
    assert re.findall(r"'(\w+)' \(", str(failed.value)) == schema["required"]
    assert [key for key, about in schema["properties"].items() if not about.get("description")] == []
    # LangGraph's server shows the message of a ValueError and hides ours.
    assert isinstance(failed.value, ValueError)


async def test_an_input_that_is_no_record_is_named(scripted: None) -> None:
    broken = {**INPUTS["profile"], "langauge": "en"}
    with pytest.raises(CocoonError, match=r"the input: unknown key 'profile\.langauge'"):
        await studio("conversation").ainvoke({"profile": broken})
    with pytest.raises(CocoonError, match="the input: key 'dialogues'"):
        await studio("preference").ainvoke({"dialogues": [dialogue("d")]})


@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_a_conversation_runs_with_the_input_that_its_error_asks_for(scripted: None, name: str) -> None:
    graph = studio(name)
    values = await graph.ainvoke(input_of(graph))
    assert (len(values["turns"]), values["stop_reason"]) == (2 * ROUNDS + 1, "rounds")


async def test_an_assessment_runs_every_judge_with_the_input_that_its_error_asks_for(scripted: None) -> None:
    graph = studio("assessment")
    ratings = {rating["scale"]: rating for rating in (await graph.ainvoke(input_of(graph)))["ratings"]}
    assert set(ratings) == {"success_paper", "success_attributed", "basic", "comfort", "rac"}
    assert ratings["success_paper"]["verdict"]["success"] is not None
    assert ratings["basic"]["missing"]


async def test_a_profile_is_built_from_the_input_that_its_error_asks_for(scripted: None) -> None:
    graph = studio("profile")
    values = await graph.ainvoke(input_of(graph))
    assert "drop" not in values
    assert (values["profile"]["id"], values["profile"]["need"]) == ("profile", NEEDS[1])


async def test_a_script_is_written_from_the_input_that_its_error_asks_for(script_settings: None) -> None:
    graph = studio("script")
    values = await graph.ainvoke(input_of(graph), {"recursion_limit": 50})
    assert (values["piece"], values["drop"]["reason"]) == (6, "not_reached")


async def test_a_preference_is_asked_with_the_input_that_its_error_asks_for(scripted: None) -> None:
    graph = studio("preference")
    answers = (await graph.ainvoke(input_of(graph)))["answers"]
    assert {answer["better"] for answer in answers} == {"first"}


@pytest.mark.parametrize("name", ["assessment", "preference"])
async def test_a_graph_of_judges_without_a_model_says_which_setting_is_missing(
    scripted: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("COCOON_JUDGE__MODEL")
    graph = studio(name)
    with pytest.raises(CocoonError, match="COCOON_JUDGE__MODEL"):
        await graph.ainvoke(input_of(graph))


@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_words_edited_at_turn_3_open_a_second_future_and_both_can_be_replayed(scripted: None, name: str) -> None:
    graph, config = threaded(name), thread("t")
    first = words(await graph.ainvoke(input_of(graph), config))
    before = await state_before(graph, config, "supporter", turns=2)
    edited = {"turns": [{"role": "supporter", "content": "Something waits for you."}]}
    after = await graph.aupdate_state(before.config, edited, as_node="supporter")
    second = words(await graph.ainvoke(None, after))
    assert second[:3] == [*first[:2], "Something waits for you."]
    assert len(second) == len(first) and set(second[3:]).isdisjoint(first[3:])
    assert words(await graph.ainvoke(None, before.config)) == first
    assert words(await graph.ainvoke(None, after)) == second


async def test_an_edited_memory_or_a_rewritten_talk_is_another_moment(scripted: None) -> None:
    graph, config = threaded("conversation"), thread("t")
    first = words(await graph.ainvoke(input_of(graph), config))
    before = await state_before(graph, config, "appraise", turns=3)
    trusting = {**before.values["memory"], "trust": 9}
    shorter = Overwrite([{"role": "supporter", "content": "You are late today."}])
    for change in ({"memory": trusting}, {"turns": shorter}):
        after = await graph.aupdate_state(before.config, change)
        future = words(await graph.ainvoke(None, after))
        assert set(future[3:]).isdisjoint(first[3:])
        assert words(await graph.ainvoke(None, after)) == future


async def test_another_thread_draws_anew_and_the_same_thread_replays(scripted: None) -> None:
    graph = threaded("conversation-prompted")
    drawn = [words(await graph.ainvoke(input_of(graph), thread(name))) for name in ("one", "two")]
    assert set(drawn[0][1:]).isdisjoint(drawn[1][1:])
    begun = await state_before(graph, thread("one"), "open")
    assert words(await graph.ainvoke(None, begun.config)) == drawn[0]


@pytest.mark.parametrize("node", ["appraise", "disclose", "speak", "supporter"])
async def test_a_run_stops_before_a_node_and_goes_on(scripted: None, node: str) -> None:
    graph, config = threaded("conversation"), thread("t")
    await graph.ainvoke(input_of(graph), config, interrupt_before=[node])
    assert (await graph.aget_state(config)).next == (node,)
    assert (await graph.ainvoke(None, config))["stop_reason"] == "rounds"


@pytest.mark.parametrize(
    ("name", "node", "change"),
    [
        ("assessment", "judge", {"dialogue": dialogue("edited")}),
        ("preference", "compare", {"dialogues": [dialogue("edited"), dialogue("e")]}),
        ("profile", "feel", {"emotion": "sad"}),
    ],
)
async def test_every_graph_goes_on_from_an_edited_state_and_replays_it(
    scripted: None, name: str, node: str, change: dict[str, Any]
) -> None:
    graph, config = threaded(name), thread("t")
    first = await graph.ainvoke(input_of(graph), config)
    before = await state_before(graph, config, node)
    after = await graph.aupdate_state(before.config, change)
    second = await graph.ainvoke(None, after)
    assert second != first
    assert await graph.ainvoke(None, after) == second
    assert await graph.ainvoke(None, before.config) == first


async def test_a_script_goes_on_from_an_edited_state_and_replays_it(script_settings: None) -> None:
    graph, config = threaded("script"), {**thread("t"), "recursion_limit": 50}
    first = await graph.ainvoke(input_of(graph), config)
    before = await state_before(graph, config, "check_listening", turns=8)
    after = await graph.aupdate_state(before.config, {"turns": before.values["turns"][:4]})
    second = await graph.ainvoke(None, {**after, "recursion_limit": 50})
    assert len(second["turns"]) < len(first["turns"])
    assert await graph.ainvoke(None, {**after, "recursion_limit": 50}) == second


@pytest.mark.slow
async def test_langgraph_dev_forks_a_conversation_at_turn_3_over_http(tmp_path: Path) -> None:
    command = shutil.which("langgraph")
    if command is None:
        pytest.skip("needs the command langgraph on the PATH, from an environment of its own (docs/how-to/studio.md)")
    with langgraph_server(command, tmp_path, scripted_settings(tmp_path, LINES)) as address:
        async with get_client(url=address) as client:
            for assistant in await client.assistants.search():
                schemas = await client.assistants.get_schemas(assistant["assistant_id"])
                assert (schemas["input_schema"] or {})["required"]
            with pytest.raises(Exception, match="the input has no 'profile'"):
                await client.runs.wait(None, "conversation", input={})
            fork = await fork_at(client, PROFILE, 3, "Something waits for you.")
    first, second = fork.first.words, fork.second.words
    assert second[:3] == [*first[:2], "Something waits for you."]
    assert set(second[3:]).isdisjoint(first[3:])
    assert (fork.first.replayed, fork.second.replayed) == (first, second)
    drawing = draw_history(fork.history, "two futures")
    ends = {node.id for node in drawing.nodes} - {edge.source for edge in drawing.edges}
    assert len(ends) == 2
