"""Settings of branches beside those of their run: moves, who writes them, and how many futures are enough."""

from collections.abc import Callable

from cocoon.agents.writers.asking import Asker
from cocoon.agents.writers.moves import Meaning, Mover, OwnMove, SilentMove, WrittenMove
from cocoon.core.errors import CocoonError
from cocoon.core.model_spec import split_name
from cocoon.core.outside.python_code import PREFIX
from cocoon.core.records import AgentFacts, Record
from cocoon.core.settings import flag
from cocoon.core.verb_settings import VerbSettings
from cocoon.evaluation.text.move_forms import MOVE_FORMS
from cocoon.models.calls import Settings
from cocoon.running.study import OwnObject, Study
from cocoon.studies.branches.credit import OUTCOMES

OWN, SILENCE = "own", "silence"
"""The moves that need no model: the supporter speaks for itself, or says nothing."""
SHIPPED_MOVES = (*MOVE_FORMS, SILENCE, OWN)
_LONGEST_MOVE = 300


class Writing(Record):
    """Who writes moves, and what checks them."""

    writer: str | None = flag(None, "The model that writes the moves (default: the first supporter's).", metavar="SPEC")
    meaning: Meaning = flag("vectors", "What checks that a move has the content of the real reply.")


class MovesConfig(Writing):
    """With which moves branches begin, and when there are enough of them."""

    move: list[str] = flag(
        [],
        "At the branched turn: question, statement, reflection, advice, silence, own, or [NAME=]python:FILE.py:NAME. "
        "Repeatable.",
        metavar="MOVE",
    )
    enough: float | None = flag(
        None,
        "Stop a fork early where its differences are clear, or their intervals at most so wide; --samples is the most.",
        gt=0,
    )
    outcome: str = flag("Disclosed", f"The outcome that --enough looks at: {', '.join(OUTCOMES)}.")

    def named(self) -> dict[str, str]:
        """Return the moves by name, each with its spec. Raises CocoonError for an unknown one, or two of one name."""
        pairs = [_named(text) for text in self.move]
        names = [name for name, _ in pairs]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise CocoonError(f"--move: two moves are named {twice!r}. Name one, as in NAME=python:FILE.py:NAME.")
        return dict(pairs)

    @property
    def arms(self) -> list[str | None]:
        """The moves with which branches begin. None is the supporter's own reply, the only one where none is named."""
        return [None if name == OWN else name for name in self.named()] or [None]

    def calls_of(self, move: str | None) -> int:
        """Return how many calls a move takes at a fork, where its first attempt passes."""
        by_model = move is not None and self.named()[move] in MOVE_FORMS
        return int(by_model) * (2 if self.meaning == "model" else 1)

    def checked(self) -> "MovesConfig":
        """Return the settings. Raises CocoonError for those that cannot be."""
        self.named()
        if self.outcome not in OUTCOMES:
            raise CocoonError(f"--outcome {self.outcome}: choose {', '.join(OUTCOMES)}")
        return self


BRANCHED = VerbSettings("branch", MovesConfig)


def _named(text: str) -> tuple[str, str]:
    name, spec = split_name(text)
    if spec.startswith(PREFIX):
        name = name or spec.rpartition(":")[2]
        if name in SHIPPED_MOVES or not name.replace("-", "_").isidentifier():
            raise CocoonError(f"--move {text}: {name!r} cannot be the name of a move of your own. Choose another word.")
        return name, spec
    if spec not in SHIPPED_MOVES or name:
        raise CocoonError(f"--move {text}: choose {', '.join(SHIPPED_MOVES)}, or give [NAME=]python:FILE.py:NAME")
    return spec, spec


def open_movers(study: Study, moves: MovesConfig) -> list[Mover]:
    """Return what says each move. The model that writes is opened only where it is needed."""
    return [_mover(name, spec, study, moves) for name, spec in moves.named().items() if spec != OWN]


def _mover(name: str, spec: str, study: Study, moves: MovesConfig) -> Mover:
    if spec == SILENCE:
        return SilentMove(study.folder, study.languages)
    own = study.own.agent(spec)
    if own is not None:
        return OwnMove(name, _function(own), AgentFacts(name=name, kind="own", source=own.source))
    writer = moves.writer or study.config.supporters[0].model
    if study.own.agent(writer) is not None:
        raise CocoonError("The supporter is Python code, so no model is there to write moves. Name one: --writer SPEC.")
    if moves.meaning == "vectors":
        _need_vectors()
    form = MOVE_FORMS[MOVE_FORMS.index(spec)]
    asker = Asker(study.model(writer), Settings(temperature=0.0, max_tokens=_LONGEST_MOVE), study.folder)
    return WrittenMove(form, asker, moves.meaning, study.languages)


def _function(own: OwnObject) -> Callable[..., object]:
    if not callable(own.value):
        raise CocoonError(f"{own.source.file}: a move must be a function (view, words) -> str")
    return own.value


def _need_vectors() -> None:
    from cocoon.core.extras import install_line
    from cocoon.evaluation.text.static_embedding import available

    if not available():
        raise CocoonError(
            f"The meaning of moves is checked with word vectors. Install them with `{install_line('screen')}`, or give "
            "--meaning model or --meaning none."
        )
