"""Frames of five languages."""

import pytest

from harness.domain.attempt import Frame
from harness.domain.stack import FRAMES, frame_keys


@pytest.mark.parametrize(
    ("name", "file", "whole"),
    [
        ("check_status", "tests/test_api.py", "tests.test_api.check_status"),
        ("Client.get", "src/shop/client.py", "src.shop.client.Client.get"),
        ("boltons.dictutils", "dictutils.py", "boltons.dictutils"),
        ("run.<locals>.inner", "a/b.py", "a.b.run.inner"),
        ("org.x.A$B.lambda$load$3", "A.java", "org.x.A.B.load"),
        ("org.x.A$$EnhancerByCGLIB$$1a2b.get", "A.java", "org.x.A.get"),
        ("app//org.x.A.get", "A.java", "org.x.A.get"),
        ("Shop.Cart.<Add>d__12.MoveNext()", "Cart.cs", "Shop.Cart.Add"),
        ("Shop.Cart.Add(String name, Int32 n)", "Cart.cs", "Shop.Cart.Add"),
        ("Cart.add", "/srv/app/src/cart.ts", "srv.app.src.cart.Cart.add"),
        ("shop/cart.(*Cart).Add.func1", "cart.go", "shop/cart.(*Cart).Add"),
    ],
)
def test_frame_key_survives_edits(name: str, file: str, whole: str) -> None:
    assert [key.whole for key in frame_keys([Frame(name, file, 12)])] == [whole]


def test_line_numbers_do_not_count() -> None:
    assert frame_keys([Frame("f", "a.py", 1)]) == frame_keys([Frame("f", "a.py", 99)])


def test_runner_frames_are_dropped_unless_alone() -> None:
    runner = Frame("org.junit.Assert.fail", "Assert.java", 1)
    own = Frame("org.shop.CartTest.adds", "CartTest.java", 2)
    assert [key.short for key in frame_keys([runner, own])] == ["CartTest.adds"]
    assert [key.short for key in frame_keys([runner])] == ["Assert.fail"]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("get", "/venv/lib/python3.11/site-packages/httpx/_api.py"),
        ("java.util.HashMap.get", "HashMap.java"),
        ("get", "/app/node_modules/axios/index.js"),
    ],
)
def test_library_frames_are_known(name: str, file: str) -> None:
    assert [key.is_library for key in frame_keys([Frame(name, file, 1)])] == [True]


@pytest.mark.parametrize(
    ("file", "whole"),
    [
        ("/v/lib/python3.11/site-packages/httpx/_api.py", "httpx._api.get"),
        ("/usr/lib/python3/dist-packages/yaml/reader.py", "yaml.reader.get"),
        ("/usr/lib/python3.11/json/decoder.py", "json.decoder.get"),
        ("/app/node_modules/axios/index.js", "axios.index.get"),
    ],
)
def test_where_a_library_is_installed_does_not_count(file: str, whole: str) -> None:
    assert [key.whole for key in frame_keys([Frame("get", file, 1)])] == [whole]


def test_endless_stacks_are_bounded() -> None:
    frames = [Frame(f"f{'x' * 100_000}", f"{'d/' * 100_000}m.py", n) for n in range(200)]
    keys = frame_keys(frames)
    assert len(keys) == FRAMES
    assert max(len(key.whole) for key in keys) < 1000
