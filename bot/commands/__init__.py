"""What people ask: each command once."""
