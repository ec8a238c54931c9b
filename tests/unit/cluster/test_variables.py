"""Which of the caller's variables tests see."""

from cluster.cli.variables import visible


def test_base_url_is_seen_and_the_platforms_own_settings_are_not() -> None:
    env = {"ATH_BASE_URL": "http://shop", "ATH_TOKEN": "x", "ATH_URL": "y", "LANG": "C"}
    assert visible(env, []) == {"ATH_BASE_URL": "http://shop", "LANG": "C"}
