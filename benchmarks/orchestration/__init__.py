"""Cost and durability of the orchestration, beside other tools."""
