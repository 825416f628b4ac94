"""COCOON: agent-graph simulation of proactive emotional support."""

__version__ = "0.1.0"
