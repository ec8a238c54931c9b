"""The platform's pytest plugin: collects `*.ath.yaml` and gives the fixture `ath`.

Loaded by every pytest of this interpreter, so it imports nothing but pytest until it is used.
"""
