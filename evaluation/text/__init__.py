"""What texts are made of: tokens, contents, diversity, figures of corpora and profiles."""
