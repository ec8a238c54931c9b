"""HTTP resources under /v1: one router per noun."""
