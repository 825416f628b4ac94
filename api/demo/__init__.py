"""The two demonstrations: a recorded run that ships, and a run of the embedded model that is watched."""
