"""What every room stands on: records, chat models, journal, pool, run folder, configuration."""
