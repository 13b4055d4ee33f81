"""What runs by itself: poll, deliver, tidy."""
