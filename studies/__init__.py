"""What runs the graphs many times over: sweeps, ablations, reproductions of tables."""
