"""The flags of the user's turns in a dialogue."""

from cocoon.core.records import Dialogue, Profile
from cocoon.evaluation.fidelity.flags.agreement import agrees_emptily
from cocoon.evaluation.fidelity.flags.inversion import inverts_roles
from cocoon.evaluation.fidelity.flags.outside import foreign_facts
from cocoon.evaluation.fidelity.flags.recital import profile_parts_in_words, recites_profile
from cocoon.evaluation.fidelity.flags.records import UserFlag, UserMoment
from cocoon.evaluation.fidelity.flags.thoughts import leaks_thoughts


def flags_of_turn(moment: UserMoment) -> list[UserFlag]:
    """Return what is wrong with one turn of the user, by rule, in the order of USER_FLAGS."""
    flags: dict[UserFlag, bool] = {
        "role_inversion": inverts_roles(moment.text, moment.language),
        "thought_leak": leaks_thoughts(moment.text),
        "profile_recited": recites_profile(moment.text, moment.supporter, moment.profile, moment.language),
        "outside_profile": _tells_foreign_facts(moment),
        "empty_agreement": agrees_emptily(moment.text, moment.supporter, moment.language),
    }
    return [flag for flag, found in flags.items() if found]


def _tells_foreign_facts(moment: UserMoment) -> bool:
    known = f"{profile_text(moment.profile)} {moment.earlier} {moment.supporter}"
    return moment.described and bool(foreign_facts(moment.text, known, moment.language))


def _is_described(dialogue: Dialogue) -> bool:
    """Return whether the profile is that of a simulated user. Of its people a corpus states a situation at most."""
    return bool(dialogue.user_kind or dialogue.profile.memory or dialogue.profile.need)


def profile_text(profile: Profile) -> str:
    """Return all that a profile says."""
    return " ".join([profile.scenario, profile.emotion, *profile_parts_in_words(profile)])


def flags_by_turn(dialogue: Dialogue) -> dict[int, list[UserFlag]]:
    """Return the flags of every turn of the user, by its index in the dialogue. Turns without a flag are there too."""
    users = (index for index, turn in enumerate(dialogue.turns) if turn.role == "user")
    return {index: flags_at(dialogue, index) for index in users}


def flags_at(dialogue: Dialogue, index: int) -> list[UserFlag]:
    """Return the flags of a turn of the user. What is said after it does not matter."""
    return flags_of_turn(_moment(dialogue, index))


def _moment(dialogue: Dialogue, index: int) -> UserMoment:
    before = dialogue.turns[:index]
    answered = max((position + 1 for position, turn in enumerate(before) if turn.role == "user"), default=0)
    earlier, supporter = (" ".join(turn.content for turn in turns) for turns in (before[:answered], before[answered:]))
    return UserMoment(
        dialogue.turns[index].content,
        supporter.strip(),
        earlier,
        dialogue.language,
        dialogue.profile,
        _is_described(dialogue),
    )
