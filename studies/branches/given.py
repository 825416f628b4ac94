"""Which move each reply of a talk was: as the simulated user took it where it says so, else by rule."""

from cocoon.core.records import Dialogue, Move
from cocoon.evaluation.text.moves import move_by_rule


def moves_given(dialogue: Dialogue) -> dict[int, Move]:
    """Return the move of each of the supporter's replies by its round, counted from 1. The opening is round 0."""
    moves: dict[int, Move] = {}
    user_words, number = "", 0
    for index, turn in enumerate(dialogue.turns):
        if turn.role == "user":
            user_words = f"{user_words} {turn.content}"
        elif index > 0:
            number += 1
            state = dialogue.turns[index + 1].state if index + 1 < len(dialogue.turns) else None
            appraised = state.appraisal.move if state is not None and state.appraisal is not None else None
            moves[number] = appraised or move_by_rule(turn.content, user_words, dialogue.language)
    return moves
