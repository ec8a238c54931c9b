"""Facts: what happened, immutable, in the past tense."""
