"""The paper's own tables, and reports in their shape."""
