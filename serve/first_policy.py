"""The policy that a fresh installation's own tenant begins with."""

TEXT = """\
# What the work of this tenant may do at most; an agent's own document or its run narrows it
# further, and an agent without either may do nothing.
# Change it: ath policy set --tenant FILE
network:
  allow:
    - {host: "*", ports: [80, 443]}           # the public internet; others need `private`
    - {host: localhost, ports: "*"}           # this machine, where a document names it
    - {host: 127.0.0.1, ports: "*"}
models: ["*"]
tools: ["*"]
"""
