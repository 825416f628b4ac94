"""Success: was the need named, by whom, and can a judge be trusted to tell.

The success rate over dialogues is `cocoon.evaluation.statistics.estimates.success_rate`.
"""
