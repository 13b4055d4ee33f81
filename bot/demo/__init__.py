"""A bundled week of news, served over loopback, so that the main job can be seen without a network."""
