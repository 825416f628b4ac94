"""What an agent said, made of a model's reply that was told apart."""

from cocoon.agents.protocols import Utterance
from cocoon.core.records import Thought
from cocoon.models.reply import ModelReply

_CUT = ("length", "filtered")


def utterance_of(reply: ModelReply, content: str, thought: Thought | None = None) -> Utterance:
    """Return words that were taken from a reply, with the thought behind them and what was wrong with the reply.

    `thought` is what stood in the words themselves, in the tags of a supporter that was trained on them.
    """
    if reply.thought:
        thought = (thought or Thought()).model_copy(update={"reasoning": reply.thought})
    return Utterance(
        content=content,
        thought=thought,
        finish=reply.finish if reply.finish in _CUT else None,
        foreign=len(reply.foreign) or None,
    )
