"""What things are: nouns, sockets and errors. Standard library only."""
