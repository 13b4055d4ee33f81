"""What is news: pure functions on normalised text, from words to verdict to story."""
