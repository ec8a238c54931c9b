"""Plain values as YAML that reads the same by the rules of 1.1 and 1.2."""

import re

import yaml

_LIKE_A_NUMBER = re.compile(r"[-+.\d]")


class _Dumper(yaml.SafeDumper):
    """Quotes texts that either version might take for a number."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "'" if _LIKE_A_NUMBER.match(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def written(value: object) -> str:
    """The value as a file's text, keys in their order."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))
