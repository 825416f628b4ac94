"""The graphs for LangGraph's own tools, which open them by name (langgraph.json) and give them no context.

A conversation starts from `{"profile": {...}}` (a `dialogue` id may stand beside it), an assessment from
`{"dialogue": {...}}`. Settings come from the environment, such as `COCOON_USER__MODEL=openai:gpt-4o`; models are
opened at the first step, so that looking at a graph needs none. Replies go to a journal in the user's cache that
lasts as long as the process.
"""

import atexit
import functools
import shutil
import tempfile
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
from langgraph.graph.state import CompiledStateGraph

from cocoon.agents.judges.pair import PairJudge
from cocoon.agents.judges.settings import JudgeSettings
from cocoon.agents.users import guarded as guarded_user
from cocoon.core.config import resolve, resolve_as
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record
from cocoon.core.records import Dialogue, Profile
from cocoon.evaluation.scales.comparison_questions import load_questions
from cocoon.graphs.assessment import build_assessment
from cocoon.graphs.context import AssessmentContext, ConversationContext
from cocoon.graphs.conversation import build_conversation
from cocoon.graphs.preference import PreferenceContext, build_preference
from cocoon.graphs.profile import ProfileContext, build_profile
from cocoon.graphs.script import ScriptContext, build_script
from cocoon.models.calls import Caller, Settings
from cocoon.models.journal.store import Journal, text_sha
from cocoon.models.local.embedded import cache_folder
from cocoon.running.building.config import ProfileBuildConfig, ScriptConfig
from cocoon.running.building.profiles import ProfileGenerator
from cocoon.running.building.scripts import ScriptGenerator
from cocoon.running.study import Study, open_models

Compiled = CompiledStateGraph[Any, Any, Any, Any]


@dataclass
class _Desk:
    """What all steps of one opened graph share: the study of the environment's settings, and a caller."""

    study: Study
    caller: Caller
    admitted: set[str] = field(default_factory=set)

    @classmethod
    def opened(cls, **flags: Any) -> "_Desk":
        config = resolve(flags=flags).config
        cache = cache_folder()
        cache.mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(prefix="studio-", dir=cache)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        journal = Journal(Path(folder) / "journal.sqlite")
        return cls(Study(config, open_models(config)), Caller(journal, seed=config.seed))

    def admit(self, dialogue: str, *, anew: bool) -> None:
        """Let a dialogue make calls; one that begins `anew` asks everything again."""
        if anew or dialogue not in self.admitted:
            self.caller.admit(dialogue)
            self.admitted.add(dialogue)


def _branch(state: Any, runtime: Any) -> str:
    """Return what tells the moments of one conversation apart: the thread, and all that was said and decided so far.

    A state that was edited is another moment, so its future is asked anew. The same moment replayed is the same call.
    """
    info = runtime.execution_info
    moment = [state.get(key) for key in ("profile", "turns", "memory", "draft")]
    sha = text_sha(orjson.dumps(moment, option=orjson.OPT_SORT_KEYS).decode())
    return f"@{info.thread_id if info else None}/{sha}"


class _Conversation:
    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._opening = threading.Lock()

    @functools.cached_property
    def _made(self) -> tuple[_Desk, ConversationContext]:
        desk = _Desk.opened(**{"user.kind": self.kind})
        study = desk.study
        context = ConversationContext(desk.caller, study.supporters()[0], study.user(), study.config.rounds)
        return desk, context

    def __call__(self, state: Any, runtime: Any) -> ConversationContext:
        if not state.get("profile"):
            raise CocoonError("the input lacks 'profile': give a profile record (see examples/profiles)")
        parse_record(state["profile"], Profile, "input 'profile'")
        with self._opening:
            desk, context = self._made
        branch = _branch(state, runtime)
        desk.admit(f"{state.get('dialogue', '')}{branch}", anew=False)
        return replace(context, branch=branch)


class _Assessment:
    def __init__(self) -> None:
        self._opening = threading.Lock()

    @functools.cached_property
    def _made(self) -> tuple[_Desk, AssessmentContext]:
        desk = _Desk.opened()
        judges = desk.study.judges()
        if not judges:
            raise CocoonError("no judge: set COCOON_JUDGE__MODEL, such as COCOON_JUDGE__MODEL=openai:gpt-4o")
        return desk, AssessmentContext(desk.caller, {judge.name: judge for judge in judges})

    def __call__(self, state: Any, runtime: Any) -> AssessmentContext:
        del runtime
        if not state.get("dialogue"):
            raise CocoonError("the input lacks 'dialogue': give a dialogue record, such as a line of dialogues.jsonl")
        dialogue = parse_record(state["dialogue"], Dialogue, "input 'dialogue'")
        with self._opening:
            desk, context = self._made
        desk.admit(dialogue.id, anew="judge" not in state)
        return context


class _Profile:
    def __init__(self) -> None:
        self._opening = threading.Lock()

    @functools.cached_property
    def _made(self) -> tuple[_Desk, ProfileContext]:
        config = resolve_as(ProfileBuildConfig).config
        desk = _Desk.opened()
        return desk, ProfileGenerator(config, desk.study.models).context(desk.caller)

    def __call__(self, state: Any, runtime: Any) -> ProfileContext:
        del runtime
        if not state.get("scenario") or not state.get("emotion"):
            raise CocoonError("the input lacks 'scenario' or 'emotion': give both, such as Study and anxious")
        with self._opening:
            desk, context = self._made
        desk.admit(state.get("item", ""), anew=not state.get("chain"))
        return context


class _Script:
    def __init__(self) -> None:
        self._opening = threading.Lock()

    @functools.cached_property
    def _made(self) -> tuple[_Desk, ScriptContext]:
        config = resolve_as(ScriptConfig).config
        desk = _Desk.opened()
        return desk, ScriptGenerator(config, desk.study.models, []).context(desk.caller)

    def __call__(self, state: Any, runtime: Any) -> ScriptContext:
        del runtime
        if not state.get("profile"):
            raise CocoonError("the input lacks 'profile': give a profile record with a need (see examples/profiles)")
        parse_record(state["profile"], Profile, "input 'profile'")
        with self._opening:
            desk, context = self._made
        desk.admit(state.get("item", ""), anew=not state.get("turns"))
        return context


class _Preference:
    def __init__(self) -> None:
        self._opening = threading.Lock()

    @functools.cached_property
    def _made(self) -> tuple[_Desk, PreferenceContext]:
        desk = _Desk.opened()
        given = desk.study.config.judge
        if given.model is None:
            raise CocoonError("no judge: set COCOON_JUDGE__MODEL, such as COCOON_JUDGE__MODEL=openai:gpt-4o")
        settings = Settings(given.temperature, given.max_tokens)
        shared = JudgeSettings(desk.study.models.open(given.model), settings, given.floor, desk.study.folder)
        return desk, PreferenceContext(desk.caller, PairJudge(shared, load_questions()))

    def __call__(self, state: Any, runtime: Any) -> PreferenceContext:
        del runtime
        if len(state.get("dialogues") or []) != 2:
            raise CocoonError("the input lacks 'dialogues': give two dialogue records of one topic")
        with self._opening:
            desk, context = self._made
        desk.admit(state.get("pair", ""), anew="question" not in state)
        return context


@functools.cache
def conversation() -> Compiled:
    """A conversation with the guarded user."""
    return build_conversation("guarded", guarded_user.STEPS, _Conversation("guarded"))


@functools.cache
def conversation_prompted() -> Compiled:
    """A conversation with the paper's prompted user."""
    return build_conversation("prompted", None, _Conversation("prompted"))


@functools.cache
def assessment() -> Compiled:
    """Every judge of the settings on one dialogue."""
    return build_assessment(_Assessment())


@functools.cache
def profile() -> Compiled:
    """A profile from a scenario and an emotion."""
    return build_profile(_Profile())


@functools.cache
def script() -> Compiled:
    """A script-based dialogue from a profile."""
    return build_script(_Script())


@functools.cache
def preference() -> Compiled:
    """Which of two dialogues of one topic has the better simulated user."""
    return build_preference(_Preference())
