"""Text only: one Markdown file per prompt and language, and the scales as YAML."""
