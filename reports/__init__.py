"""What is shown of numbers: tables, charts, and the formats they take."""
