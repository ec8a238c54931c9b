"""What the environment says of package indexes."""

from harness.settings import index_environ


def test_index_settings_pass_and_nothing_else() -> None:
    env = {
        "UV_INDEX": "https://a.example/simple",
        "SSL_CERT_FILE": "/etc/ssl/ca.pem",
        "ATH_TOKEN": "ath_secret",
        "AWS_SECRET_ACCESS_KEY": "x",
        "HTTP_PROXY": "",
    }
    assert index_environ(env) == {
        "UV_INDEX": "https://a.example/simple",
        "SSL_CERT_FILE": "/etc/ssl/ca.pem",
    }


def test_uvs_own_settings_win_over_pips() -> None:
    pip = {"PIP_INDEX_URL": "https://pip.example", "PIP_EXTRA_INDEX_URL": "https://more.example"}
    uv = {"UV_DEFAULT_INDEX": "https://uv.example"}
    assert index_environ(pip | uv) == {
        "UV_DEFAULT_INDEX": "https://uv.example",
        "UV_INDEX": "https://more.example",
    }
