"""How steps with a goal find their way: views of a page, planners, frozen lists."""
