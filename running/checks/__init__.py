"""Runs that test an instrument: a judge on labelled cases, an appraiser on both forms."""
