"""Which of the caller's environment variables the tests get to see."""

import re
from collections.abc import Collection, Iterable, Mapping

from harness.errors import InvalidInput

_SECRET = re.compile(
    r"TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|_KEY$|AUTH|COOKIE|SESSION", re.I
)
_OURS = re.compile(
    r"ATH_(?!BASE_URL$)|RAY_|SSH_|GPG_|DBUS_|XDG_RUNTIME|PYTEST_CURRENT_TEST$|PYTEST_VERSION$"
)
_SHELL = {"_", "SHLVL", "OLDPWD", "PWD"}
_LARGEST = 32 * 1024


def visible(
    env: Mapping[str, str], wanted: Iterable[str], secrets: Collection[str] = ()
) -> dict[str, str]:
    """The caller's variables, without those whose name says secret, plus those named.

    Args:
        env: the caller's environment.
        wanted: `NAME` (with its present value) or `NAME=VALUE`.
        secrets: names that the platform gives to the tests, and nobody else.

    Raises:
        InvalidInput: a named variable is not set.
    """
    shown = {
        name: value
        for name, value in env.items()
        if name not in _SHELL
        and name not in secrets
        and not _SECRET.search(name)
        and not _OURS.match(name)
        and len(value) < _LARGEST
    }
    for word in wanted:
        name, equals, value = word.partition("=")
        if not equals and name not in env:
            raise InvalidInput(f"--env-var names {name!r}, which is not set. Write {name}=VALUE.")
        shown[name] = value if equals else env[name]
    return shown
