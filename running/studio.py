"""The graphs for LangGraph's own tools, which open them by name (langgraph.json) and give them no context.

Settings come from the environment, such as `COCOON_USER__MODEL=openai:gpt-4o`. Models are opened at the first step, so
that looking at a graph needs none. Replies go to a journal in the user's cache that lasts as long as the process.

A person may edit a state and go on from it, so one dialogue has several futures. Each moment of a thread therefore has
a place of its own in the journal: see `moment_key`.
"""

import atexit
import functools
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import orjson
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from cocoon.agents.judges.pair import PairJudge
from cocoon.agents.judges.settings import JudgeSettings
from cocoon.agents.users import guarded as guarded_user
from cocoon.core.config import resolve, resolve_as
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record
from cocoon.core.records import Record
from cocoon.evaluation.scales.comparison_questions import load_questions
from cocoon.graphs.assessment import AssessmentInput, build_assessment
from cocoon.graphs.context import AssessmentContext, ConversationContext
from cocoon.graphs.conversation import ConversationInput, build_conversation
from cocoon.graphs.preference import PreferenceContext, PreferenceInput, build_preference
from cocoon.graphs.profile import ProfileContext, ProfileInput, build_profile
from cocoon.graphs.script.graph import build_script
from cocoon.graphs.script.state import ScriptContext, ScriptInput
from cocoon.models.by_name import Model
from cocoon.models.calls import Caller, Message, Reply, Settings
from cocoon.models.journal.store import Journal, Place, SpokenEntry, text_sha
from cocoon.models.local.embedded import cache_folder
from cocoon.running.building.config import ProfileBuildConfig, ScriptConfig
from cocoon.running.building.profiles import ProfileGenerator
from cocoon.running.building.scripts import ScriptGenerator
from cocoon.running.study import Study, open_models

Compiled = CompiledStateGraph[Any, Any, Any, Any]
State = Mapping[str, Any]
ContextT = TypeVar("ContextT", ConversationContext, AssessmentContext, ProfileContext, ScriptContext, PreferenceContext)
NO_JUDGE = "no judge: set COCOON_JUDGE__MODEL, such as COCOON_JUDGE__MODEL=openai:gpt-4o"


def moment_key(state: State, runtime: Runtime[Any]) -> str:
    """Return what tells one moment from every other: the thread, and a hash of the state as a node sees it.

    The checkpoint is not part of it. A replay from a checkpoint makes new checkpoints of the same states, and is to
    find the replies that these states already have.
    """
    info = runtime.execution_info
    sha = text_sha(orjson.dumps(state, option=orjson.OPT_SORT_KEYS).decode())
    return f"{info.thread_id if info else None}/{sha}"


class MomentCaller(Caller):
    """Makes the calls of one moment, and journals them under the moment's key instead of the dialogue's id."""

    def __init__(self, calls: Caller, moment: str) -> None:
        super().__init__(calls.journal, seed=calls.seed, models=calls.models)
        self._moment = moment
        self.admit(moment)

    async def ask(
        self, model: Model, place: Place, messages: Sequence[Message], settings: Settings, **options: Any
    ) -> Reply:
        """Return one reply as every caller does."""
        return await super().ask(model, self._at_moment(place), messages, settings, **options)

    def utterance_at(self, place: Place) -> SpokenEntry | None:
        """Return what an agent said at this moment."""
        return super().utterance_at(self._at_moment(place))

    async def keep_utterance(self, entry: SpokenEntry) -> None:
        """Journal what an agent said at this moment."""
        await super().keep_utterance(replace(entry, place=self._at_moment(entry.place)))

    def _at_moment(self, place: Place) -> Place:
        return place._replace(dialogue=self._moment)


class ContextMaker(Generic[ContextT]):
    """Gives the nodes of one graph their context: opened once, with a caller for each moment.

    `given` is the record of the graph's input, and `open_context` opens models and agents from the environment.
    """

    def __init__(self, input_kind: type[Record], open_context: Callable[[], ContextT]) -> None:
        self._given = input_kind
        self._open_context = open_context
        self._opening = threading.Lock()

    def __call__(self, state: State, runtime: Runtime[Any]) -> ContextT:
        """Return the context of a node. Raises CocoonError for an input that is not complete."""
        check_input(state, self._given)
        with self._opening:
            context = self._context
        return replace(context, caller=MomentCaller(context.caller, moment_key(state, runtime)))

    @functools.cached_property
    def _context(self) -> ContextT:
        return self._open_context()


def check_input(state: State, kind: type[Record]) -> None:
    """Raise CocoonError if the input lacks a key that its record requires, or holds a value that it refuses."""
    fields = kind.model_fields
    missing = [name for name, field in fields.items() if field.is_required() and not state.get(name)]
    if missing:
        fields_needed = ", ".join(f"{name!r} ({fields[name].description})" for name in missing)
        raise CocoonError(f"the input has no {fields_needed}; add it and run again")
    parse_record({name: state[name] for name in fields if name in state}, kind, "the input")


def _open_study(**flags: Any) -> tuple[Study, Caller]:
    config = resolve(flags=flags).config
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="studio-", dir=cache)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    models = open_models(config)
    caller = Caller(Journal(Path(folder) / "journal.sqlite"), seed=config.seed, models=models)
    return Study(config, models), caller


def _open_conversation(kind: str) -> ConversationContext:
    study, caller = _open_study(**{"user.kind": kind})
    return ConversationContext(caller, study.supporters()[0], study.user(), study.config.rounds)


def _open_assessment() -> AssessmentContext:
    study, caller = _open_study()
    judges = {judge.name: judge for judge in study.judges()}
    if not judges:
        raise CocoonError(NO_JUDGE)
    return AssessmentContext(caller, judges)


def _open_profile() -> ProfileContext:
    config = resolve_as(ProfileBuildConfig).config
    study, caller = _open_study()
    return ProfileGenerator(config, study.models).context(caller)


def _open_script() -> ScriptContext:
    config = resolve_as(ScriptConfig).config
    study, caller = _open_study()
    return ScriptGenerator(config, study.models, []).context(caller)


def _open_preference() -> PreferenceContext:
    study, caller = _open_study()
    judge = study.config.judge
    if judge.model is None:
        raise CocoonError(NO_JUDGE)
    settings = Settings.of(judge)
    shared = JudgeSettings(study.models.open(judge.model), settings, judge.floor, study.folder)
    return PreferenceContext(caller, PairJudge(shared, load_questions()))


@functools.cache
def conversation() -> Compiled:
    """Return the graph of a conversation with the guarded user."""
    maker = ContextMaker(ConversationInput, lambda: _open_conversation("guarded"))
    return build_conversation("guarded", guarded_user.STEPS, maker)


@functools.cache
def conversation_prompted() -> Compiled:
    """Return the graph of a conversation with the paper's prompted user."""
    return build_conversation("prompted", None, ContextMaker(ConversationInput, lambda: _open_conversation("prompted")))


@functools.cache
def assessment() -> Compiled:
    """Return the graph in which every judge of the settings rates one dialogue."""
    return build_assessment(ContextMaker(AssessmentInput, _open_assessment))


@functools.cache
def profile() -> Compiled:
    """Return the graph that writes a profile from a scenario and an emotion."""
    return build_profile(ContextMaker(ProfileInput, _open_profile))


@functools.cache
def script() -> Compiled:
    """Return the graph that writes a script-based dialogue from a profile."""
    return build_script(ContextMaker(ScriptInput, _open_script))


@functools.cache
def preference() -> Compiled:
    """Return the graph in which a judge says which of two dialogues of one topic has the better simulated user."""
    return build_preference(ContextMaker(PreferenceInput, _open_preference))
