"""Settings of the study of asking: which talks and turns, under which trust rules, beside which sweep."""

from typing import get_args

from cocoon.core.config import TrustRules
from cocoon.core.errors import CocoonError
from cocoon.core.settings import flag, refused
from cocoon.core.verb_settings import BRANCH, UNDIVIDED, VerbSettings
from cocoon.studies.branches.config import MovesConfig, Writing

QUESTION, STATEMENT = "question", "statement"
"""The two forms of one content that are compared."""
RULES: tuple[TrustRules, ...] = ("attuned", "naming", "listening")
"""The rule sets that are crossed unless others are given."""
CHOICES: tuple[TrustRules, ...] = tuple(rules for rules in get_args(TrustRules) if rules != "neutral")
"""The rule sets that can be crossed. `neutral` is another name of `naming`."""


class AskingConfig(Writing):
    """Where replies are asked or said instead, and what the answer is set beside."""

    talks: int | None = flag(None, "Talks drawn from the run; all unless given.", ge=1)
    turns: int = flag(2, "Turns drawn from each talk.", ge=1)
    rules: str = flag(",".join(RULES), "Trust rules under which the talks go on.")
    sweep: str | None = flag(None, "A finished sweep to set the answer beside.", metavar="FOLDER")

    def rule_sets(self) -> list[TrustRules]:
        """Return the rule sets in order. Raises CocoonError for an unknown one, or for none."""
        names = [name.strip() for name in self.rules.split(",") if name.strip()]
        for name in names:
            if name not in CHOICES:
                raise refused("rules", name, CHOICES)
        if not names:
            raise CocoonError(f"--rules {self.rules}: choose some of {', '.join(CHOICES)}")
        return [rules for rules in CHOICES if rules in names]

    def moves(self) -> MovesConfig:
        """Return the moves that are compared."""
        return MovesConfig(move=[QUESTION, STATEMENT], writer=self.writer, meaning=self.meaning)


ASKED = VerbSettings("asking", AskingConfig)
# The rules are crossed, so that a single set has no meaning.
ASKING = VerbSettings("asking", BRANCH.kind, without=(*BRANCH.without, "user.rules", *UNDIVIDED))
