"""What makes time pass."""
