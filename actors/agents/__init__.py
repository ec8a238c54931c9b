"""Programs that act by themselves, each in a sandbox with one door."""
