"""Open the local models that a server offers, each under a name."""

from collections.abc import Sequence

from cocoon.core.errors import CocoonError
from cocoon.core.model_spec import short_name, split_name
from cocoon.models.by_name import open_local
from cocoon.models.local.base import LocalBase
from cocoon.models.local.model import LocalChat
from cocoon.running.local_parts import local_parts


def open_served_models(named_specs: Sequence[str]) -> dict[str, LocalChat]:
    """Return the models of some `SPEC` or `NAME=SPEC` by their names. Models of one base share its weights.

    Raises CocoonError for two models of one name, and for a model that is not local.
    """
    models: dict[str, LocalChat] = {}
    bases: dict[str, LocalBase] = {}
    for named_spec in named_specs:
        name, spec = name_and_spec(named_spec)
        if name in models:
            raise CocoonError(f"two models are named {name!r}; give each a name, as --model NAME=SPEC")
        models[name] = open_local(spec.removeprefix("local:"), local_parts(), bases)
    return models


def name_and_spec(text: str) -> tuple[str, str]:
    """Return the name that clients use, and the spec. A missing name is made of the spec's file names.

    Raises CocoonError for a model that is not local.
    """
    name, spec = split_name(text)
    if not spec.startswith("local:"):
        raise CocoonError(f"--model {text!r}: only local models are served; write local:smollm2 or NAME=local:smollm2")
    return name or short_name(spec.removeprefix("local:")), spec
