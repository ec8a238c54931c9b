"""The kinds of steps, a module each; the convention stands in the docstring of `actors.specs`."""
