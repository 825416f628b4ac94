"""Simulation of proactive emotional support: agents, graphs, evaluation, steering and training.

    import cocoon
    run = cocoon.simulate(
        profiles="shipped:en", supporter="openai:gpt-5-mini", user="openai:gpt-5-mini", out="runs/first"
    )
    run.judge("openai:gpt-5", scales=["success", "comfort"])
    run.table()

Every name is loaded at its first use: `import cocoon` itself imports neither torch nor langchain.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0.dev0"

if TYPE_CHECKING:
    import cocoon.api.steering as steering_api
    from cocoon.agents.judges.ratings import make_rating as make_rating
    from cocoon.agents.protocols import Judge as Judge
    from cocoon.agents.protocols import Memory as Memory
    from cocoon.agents.protocols import SimulatedUser as SimulatedUser
    from cocoon.agents.protocols import Step as Step
    from cocoon.agents.protocols import Supporter as Supporter
    from cocoon.agents.protocols import SupporterView as SupporterView
    from cocoon.agents.protocols import TurnDraft as TurnDraft
    from cocoon.agents.protocols import UserView as UserView
    from cocoon.agents.protocols import Utterance as Utterance
    from cocoon.agents.protocols import transcript as transcript
    from cocoon.api.building import build_profiles as build_profiles
    from cocoon.api.building import build_profiles_async as build_profiles_async
    from cocoon.api.building import judge_profiles as judge_profiles
    from cocoon.api.building import judge_profiles_async as judge_profiles_async
    from cocoon.api.building import script as script
    from cocoon.api.building import script_async as script_async
    from cocoon.api.building import translate_profiles as translate_profiles
    from cocoon.api.building import translate_profiles_async as translate_profiles_async
    from cocoon.api.loading import load_dialogues as load_dialogues
    from cocoon.api.loading import load_profiles as load_profiles
    from cocoon.api.loading import open_model as open_model
    from cocoon.api.reporting import compare as compare
    from cocoon.api.reporting import report as report
    from cocoon.api.reporting import verify as verify
    from cocoon.api.run import Run as Run
    from cocoon.api.shards.merging import merge as merge
    from cocoon.api.shards.planning import plan as plan
    from cocoon.api.shards.planning import serve_plan as serve_plan
    from cocoon.api.simulation import judge as judge
    from cocoon.api.simulation import judge_async as judge_async
    from cocoon.api.simulation import simulate as simulate
    from cocoon.api.simulation import simulate_async as simulate_async
    from cocoon.api.studies import ablate as ablate
    from cocoon.api.studies import ablate_async as ablate_async
    from cocoon.api.studies import asking as asking
    from cocoon.api.studies import asking_async as asking_async
    from cocoon.api.studies import branch as branch
    from cocoon.api.studies import branch_async as branch_async
    from cocoon.api.studies import fidelity as fidelity
    from cocoon.api.studies import power as power
    from cocoon.api.studies import reproduce as reproduce
    from cocoon.api.studies import reproduce_async as reproduce_async
    from cocoon.api.training import preview_training as preview_training
    from cocoon.api.training import train as train
    from cocoon.api.users.panel import panel as panel
    from cocoon.api.users.panel import panel_async as panel_async
    from cocoon.core.answers import Missing as Missing
    from cocoon.core.errors import CocoonError as CocoonError
    from cocoon.core.records import AgentFacts as AgentFacts
    from cocoon.core.records import Dialogue as Dialogue
    from cocoon.core.records import Profile as Profile
    from cocoon.core.records import Rating as Rating
    from cocoon.core.records import Turn as Turn
    from cocoon.models.calls import Message as Message
    from cocoon.models.client import JournaledClient as JournaledClient

    steer = steering_api

_HOMES = {
    "cocoon.agents.protocols": (
        *("Judge", "Memory", "SimulatedUser", "Step", "Supporter", "SupporterView", "TurnDraft"),
        *("UserView", "Utterance", "transcript"),
    ),
    "cocoon.agents.judges.ratings": ("make_rating",),
    "cocoon.api.building": (
        *("build_profiles", "build_profiles_async", "judge_profiles", "judge_profiles_async"),
        *("script", "script_async", "translate_profiles", "translate_profiles_async"),
    ),
    "cocoon.api.loading": ("load_dialogues", "load_profiles", "open_model"),
    "cocoon.api.reporting": ("compare", "report", "verify"),
    "cocoon.api.run": ("Run",),
    "cocoon.api.studies": (
        *("ablate", "ablate_async", "asking", "asking_async", "branch", "branch_async", "fidelity", "power"),
        *("reproduce", "reproduce_async"),
    ),
    "cocoon.api.users.panel": ("panel", "panel_async"),
    "cocoon.api.shards.merging": ("merge",),
    "cocoon.api.shards.planning": ("plan", "serve_plan"),
    "cocoon.api.simulation": ("judge", "judge_async", "simulate", "simulate_async"),
    "cocoon.api.training": ("preview_training", "train"),
    "cocoon.core.answers": ("Missing",),
    "cocoon.models.calls": ("Message",),
    "cocoon.models.client": ("JournaledClient",),
    "cocoon.core.errors": ("CocoonError",),
    "cocoon.core.records": ("AgentFacts", "Dialogue", "Profile", "Rating", "Turn"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}
# Names that stand for a whole module.
_MODULES = {"steer": "cocoon.api.steering"}
__all__ = ["__version__", *_HOME, *_MODULES]  # pyright: ignore[reportUnsupportedDunderAll]  (loaded lazily, below)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = importlib.import_module(_MODULES[name])
    elif name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'cocoon' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_MODULES})
