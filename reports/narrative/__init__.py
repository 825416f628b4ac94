"""What a report says in sentences: findings, quoted dialogues, methods, and the words for all of it in Chinese."""
