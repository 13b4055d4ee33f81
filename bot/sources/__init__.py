"""Where news comes in: the one door to foreign addresses, and one reader a kind of source."""
