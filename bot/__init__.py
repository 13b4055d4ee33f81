"""Tocsin: the first to know, and only once."""

__version__ = "0.1.0"
