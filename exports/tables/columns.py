"""The columns of the tidy tables: name, type, and content. A value that is missing is null."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "int", "float", "bool"]


@dataclass(frozen=True)
class TableColumn:
    """One column. `about` is a phrase for people."""

    name: str
    kind: Kind
    about: str


def _columns(*specifications: tuple[str, Kind, str]) -> tuple[TableColumn, ...]:
    return tuple(TableColumn(*specification) for specification in specifications)


_Specifications = tuple[tuple[str, Kind, str], ...]
_DIALOGUE_KEYS: _Specifications = (
    ("dialogue", "text", "id of the dialogue"),
    ("profile", "text", "id of the profile"),
    ("supporter", "text", "name of the supporter"),
    ("sample", "int", "repeat, from 0"),
)
_RATING_KEYS: _Specifications = (
    ("scale", "text", "scale, or mode of success"),
    ("judge", "text", "the judging model"),
    ("vote", "int", "vote, from 0"),
    ("prompt_sha", "text", "hash of the prompt, and of the scale's wording and keying"),
)

TABLES: dict[str, tuple[TableColumn, ...]] = {
    "dialogues": _columns(
        *_DIALOGUE_KEYS,
        ("language", "text", "zh or en"),
        ("emotion", "text", "the profile's emotion"),
        ("feeling", "text", "the profile's feeling"),
        ("need", "text", "the hidden need; null: the profile has none, success does not apply"),
        ("scenario", "text", "the profile's scenario"),
        ("chain_steps", "int", "steps from the surface need to the true one"),
        ("memories", "int", "memories of the profile"),
        ("user_kind", "text", "guarded or prompted"),
        ("difficulty", "text", "easy, normal or hard"),
        ("rules", "text", "trust rules"),
        ("turns", "int", "turns of both"),
        ("counted_turns", "int", "supporter turns that count for questions (not a fixed opening)"),
        ("asking_turns", "int", "counted turns with a genuine question"),
        ("question_ratio", "float", "asking_turns / counted_turns"),
        ("probing_turns", "int", "counted turns with a request to tell that is no question by form"),
        ("probing_ratio", "float", "probing_turns / counted_turns"),
        ("stage_boundary", "int", "index of the suggestion stage's first turn"),
        ("stop_reason", "text", "rounds or user_left"),
        ("calls", "int", "journalled calls; null: no journal"),
        ("tokens_in", "int", "prompt tokens of all calls; null where a server did not count"),
        ("tokens_out", "int", "reply tokens of all calls; null where a server did not count"),
        ("facts", "text", "what a corpus states of the dialogue, as JSON"),
        ("source", "text", "where the dialogue is from"),
        ("licence", "text", "its licence"),
    ),
    "turns": _columns(
        ("dialogue", "text", "id of the dialogue"),
        ("turn", "int", "index, from 0"),
        ("role", "text", "user or supporter"),
        ("content", "text", "what was said"),
        ("characters", "int", "its length"),
        ("stage", "text", "listening or suggestion; null: no stages"),
        ("counted", "bool", "whether the turn counts for questions; null for the user"),
        ("open_questions", "int", "open questions in it; null for the user"),
        ("closed_questions", "int", "closed questions in it; null for the user"),
        ("tag_questions", "int", "tag questions in it; null for the user"),
        ("probes", "int", "requests to tell in it (not questions by form); null for the user"),
        ("rhetorical_questions", "int", "rhetorical questions in it (not genuine); null for the user"),
        ("reported_questions", "int", "questions of others told in it (not genuine); null for the user"),
        ("analysis", "text", "the supporter's thought"),
        ("strategy", "text", "the supporter's strategy"),
        ("draft", "text", "the text before it was rewritten to a statement"),
        ("trust", "float", "the guarded user's trust after the turn, points"),
        ("unlocked", "int", "chain steps that the user could say by then"),
        ("newly", "int", "of these, opened with this turn"),
        ("accuracy", "text", "how the user took the supporter's last turn: none, near, accurate, wrong"),
        ("pressure", "int", "0 none, 1 some, 2 strong"),
        ("calls", "int", "calls that the turn names"),
        ("scores", "text", "scores that a corpus gives for the turn, as JSON"),
    ),
    "items": _columns(
        *_DIALOGUE_KEYS,
        *_RATING_KEYS,
        ("kind", "text", "item (as answered, before keying) or dimension (keyed mean)"),
        ("item", "text", "id of the item or dimension"),
        ("value", "float", "the value; null: missing"),
        ("missing", "text", "why there is no value"),
        ("reverse", "bool", "whether the item is reverse-keyed; null: unknown scale, or a dimension"),
    ),
    "ratings": _columns(
        *_DIALOGUE_KEYS,
        *_RATING_KEYS,
        ("prompt_id", "text", "the judge's prompt"),
        ("not_applicable", "bool", "the profile has no need that this could be about"),
        ("success", "bool", "the verdict; null: missing, not applicable, or no success scale"),
        ("named_by", "text", "who named the need: supporter, user, nobody"),
        ("how", "text", "what drew it out: after_reflection, after_question, volunteered, leaked"),
        ("turn", "int", "index of the turn with the quote"),
        ("quote", "text", "the evidence, verbatim"),
        ("missing", "text", "why the whole is missing"),
        ("rung", "text", "rung of the structured-output ladder"),
        ("legal_mass", "float", "lowest probability of the legal answers (local judges), 0 to 1"),
    ),
    "calls": _columns(
        ("dialogue", "text", "id of the dialogue"),
        ("call", "text", "journal key: NODE/ORDINAL/VOTE/ATTEMPT"),
        ("node", "text", "node of the key"),
        ("role", "text", "supporter, user, appraiser, judge, or the node"),
        ("turn", "int", "index of the turn that names it; null: a judge's, or none"),
        ("attempt", "int", "0; 1 and above are repairs"),
        ("model", "text", "the model's spec"),
        ("tokens_in", "int", "prompt tokens; null: not told"),
        ("tokens_out", "int", "reply tokens; null: not told"),
        ("latency", "float", "seconds of the attempt that was answered"),
        ("retries", "int", "how often it was tried again"),
        ("rung", "text", "rung of the structured-output ladder; null for plain text"),
        ("finish", "text", "why the reply ended, as the server says"),
        ("reply_characters", "int", "length of the reply"),
        ("answered_at", "float", "seconds since 1970"),
    ),
    "failures": _columns(
        ("dialogue", "text", "id of the dialogue"),
        ("stage", "text", "conversation, assessment, ..."),
        ("node", "text", "where it failed"),
        ("reason", "text", "one word"),
        ("message", "text", "the whole message"),
    ),
}
