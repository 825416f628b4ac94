"""A paragraph for the methods section of a paper, from what the run folder says of itself."""

from collections.abc import Iterable, Sequence

from cocoon.core.records import Language, Rating
from cocoon.evaluation.facts import DialogueFacts, RunFacts
from cocoon.reports.narrative.phrases import phrase


def methods_paragraph(
    run: RunFacts, dialogues: Sequence[DialogueFacts], ratings: Iterable[Rating], language: Language
) -> str:
    """Return how the dialogues were made and judged. What the run folder does not say is left out."""
    rated = [rating for rating in ratings if not rating.not_applicable]
    sentences = [
        _made(run, dialogues, language),
        *_user(run, dialogues, language),
        *_judging(run, rated, language),
        phrase("methods_statistics", language),
    ]
    if run.seed is not None:
        sentences.append(phrase("methods_seed", language, seed=run.seed))
    sentences.append(phrase("methods_limits", language))
    return (" " if language == "en" else "").join(sentences)


def _made(run: RunFacts, dialogues: Sequence[DialogueFacts], language: Language) -> str:
    supporters = sorted({dialogue.supporter for dialogue in dialogues})
    described = [f"{name} ({run.supporters[name]})" if name in run.supporters else name for name in supporters]
    names = {
        "software": run.software or "COCOON",
        "dialogues": len(dialogues),
        "profiles": len({dialogue.profile for dialogue in dialogues}),
        "languages": _list(sorted({dialogue.language for dialogue in dialogues}), language),
        "supporters": _list(described, language),
    }
    if run.rounds is None:
        return phrase("methods_adopted", language, **names, source=run.sample or phrase("none", language))
    return phrase("methods_simulated", language, **names, rounds=run.rounds, samples=run.samples or 1)


def _user(run: RunFacts, dialogues: Sequence[DialogueFacts], language: Language) -> list[str]:
    kinds = sorted({dialogue.user_kind for dialogue in dialogues} - {""})
    if not kinds:
        return []
    settings = sorted(
        {f"{dialogue.difficulty}, {dialogue.rules}" for dialogue in dialogues if dialogue.difficulty or dialogue.rules}
    )
    models = _list(run.models.get("user", []), language)
    names = {"kinds": _list(kinds, language), "models": models or phrase("none", language)}
    sentences = [phrase("methods_user", language, **names)]
    if settings:
        sentences.append(phrase("methods_gate", language, settings="; ".join(settings)))
    return sentences


def _judging(run: RunFacts, ratings: Sequence[Rating], language: Language) -> list[str]:
    if not ratings:
        return [phrase("methods_unjudged", language)]
    names = {
        "judges": _list(sorted({rating.judge for rating in ratings}), language),
        "votes": len({rating.vote for rating in ratings}),
        "scales": _list(sorted({rating.scale for rating in ratings}), language),
        "prompts": _list(
            sorted({f"{rating.prompt_id} {rating.prompt_sha}".strip() for rating in ratings} - {""}), language
        ),
    }
    sentences = [phrase("methods_judged", language, **names)]
    if run.judge_temperature is not None:
        sentences.append(phrase("methods_temperature", language, temperature=f"{run.judge_temperature:g}"))
    return sentences


def _list(names: Sequence[str], language: Language) -> str:
    return phrase("listed", language).join(names)
