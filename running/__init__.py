"""What walks graphs durably: run folder, manifest, trace, sessions, resume."""
