"""What a panel crosses beside its supporters and profiles: the users (models by rule sets) and the judges."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from cocoon.core.config import Resolved, StudyConfig, TrustRules, UserConfig
from cocoon.core.errors import CocoonError
from cocoon.core.model_spec import refuse_secrets
from cocoon.core.records import Record
from cocoon.core.settings import flag
from cocoon.core.verb_settings import VerbSettings
from cocoon.running.study import OwnObjects, spec_name

PROMPTED = "prompted"
RuleSet = Literal["attuned", "people", "people-1", "people-2", "people-3", "naming", "listening", "prompted"]
"""What opens a simulated user: trust rules, or the paper's prompt, which has none."""
DEFAULT_RULES: tuple[RuleSet, ...] = ("attuned", "people", "naming", "listening", PROMPTED)


class PanelModel(Record):
    """A model or an agent that plays the user, and its name in tables."""

    name: str = ""
    model: str


class PanelConfig(Record):
    """The users and judges of a panel. Without rule sets every model plays `DEFAULT_RULES`."""

    user: list[PanelModel] = flag([], "The model of a simulated user. Repeatable.", metavar="[NAME=]SPEC")
    rules: list[RuleSet] = flag(
        [], "Rule sets of every user model (default: attuned,people,naming,listening,prompted).", commas=True
    )
    judge: list[str] = flag([], "The model of a judge. Repeatable.", metavar="SPEC")


_FOLDER = re.compile(r"\w[\w.-]*")
PANEL_ROLES = VerbSettings("panel", PanelConfig)


@dataclass(frozen=True)
class PanelUser:
    """A user of the panel: the name of its run folder, its model, and its rule set (None for code of one's own)."""

    name: str
    model: str
    rules: RuleSet | None

    def settings(self, config: StudyConfig) -> StudyConfig:
        """Return the settings of the run in which this user talks. It is judged afterwards."""
        changes: dict[str, object] = {"model": self.model}
        changes["kind"] = PROMPTED if self.rules == PROMPTED else "guarded"
        if self.rules in get_args(TrustRules):
            changes["rules"] = self.rules
        # What is set of users that a model plays is not for code of one's own.
        user = UserConfig(model=self.model) if self.rules is None else config.user.model_copy(update=changes)
        return config.model_copy(
            update={"user": user, "judge": config.judge.model_copy(update={"model": None})},
        )


def panel_users(panel: PanelConfig, resolved: Resolved[StudyConfig], own: OwnObjects) -> list[PanelUser]:
    """Return every user model under every rule set.

    A model, kind or rules of `user` in a file stand for one of each. Code of one's own (`own`) plays once, as it does.
    Raises CocoonError for fewer than two users, or for two of one name.
    """
    models = panel.user or [PanelModel(model=resolved.config.user.model)]
    rules: Sequence[RuleSet] = panel.rules or _rules_of_file(resolved) or DEFAULT_RULES
    users: list[PanelUser] = []
    for model in models:
        refuse_secrets(model.model, "--user")
        name = model.name or spec_name(model.model)
        if own.agent(model.model) is not None:
            users.append(PanelUser(name, model.model, None))
        else:
            users += [PanelUser(f"{name}-{rule_set}", model.model, rule_set) for rule_set in dict.fromkeys(rules)]
    _refuse_users(users)
    if not any(user.rules for user in users):
        why = "users of Python code have no settings and no rule sets. Leave it out."
        resolved.refuse(["user"], why)
        if panel.rules:
            raise CocoonError(f"--rules {','.join(panel.rules)}: {why}")
    return users


def _refuse_users(users: Sequence[PanelUser]) -> None:
    names = [user.name for user in users]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise CocoonError(f"two users of the panel are named {twice!r}. Name them, as in --user first=SPEC.")
    if odd := next((name for name in names if not _FOLDER.fullmatch(name)), None):
        raise CocoonError(f"--user {odd}: it names a folder. Use letters, digits, - and _ alone.")
    if len(users) < 2:
        raise CocoonError(
            f"a panel of one user ({names[0]}) cannot say what the choice of the user does. Give several --user SPEC, "
            f"or several --rules out of {', '.join(get_args(RuleSet))}."
        )


def _rules_of_file(resolved: Resolved[StudyConfig]) -> list[RuleSet]:
    user, origins = resolved.config.user, resolved.origins
    if "user.kind" in origins and user.kind == PROMPTED:
        return [PROMPTED]
    return [rules for rules in get_args(RuleSet) if "user.rules" in origins and user.rules == rules]
