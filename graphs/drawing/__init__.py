"""Pictures of the compiled graphs, and how often their edges were walked."""
