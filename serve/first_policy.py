"""The policy that a fresh installation's own tenant begins with."""

TEXT = """\
# What the work of this tenant may do at most. An agent's own document, or its run, narrows it
# further, and an agent without either may do nothing.
# Change it: ath policy set --tenant FILE
network:
  allow:
    - host: "*"
      ports: "*"
      # Systems under test are here, too. The link-local range is left out, where clouds keep keys.
      private: [127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10,
                "::1/128", "fc00::/7"]
models: ["*"]
tools: ["*"]
"""
