"""The structural screen of script-based dialogues."""
