"""The files and the environment an operator writes, read into frozen settings."""
