"""The command line `ath`, one-command start, and the machine or Ray cluster below."""
