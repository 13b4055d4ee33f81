"""Where state stays: the in-memory reference, and TinyDB over a journal."""
