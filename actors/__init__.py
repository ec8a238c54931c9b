"""Ray actors: the scheduler, the hosts that execute, and their sandboxes."""
