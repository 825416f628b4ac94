"""Verbs that show numbers: report, compare, power, fidelity, questions."""
