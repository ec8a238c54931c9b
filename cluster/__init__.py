"""The command line `ath`, one-command start, and everything about the machine or Ray cluster below."""
