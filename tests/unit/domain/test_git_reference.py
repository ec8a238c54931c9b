"""Which repositories may be named, and how."""

import pytest

from harness.domain.git_reference import GitReference, parse_git
from harness.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "url", "ref", "name"),
    [
        ("https://h.example/o/shop.git", "https://h.example/o/shop.git", "HEAD", "shop"),
        ("https://h.example/o/shop@v1.2", "https://h.example/o/shop", "v1.2", "shop"),
        (
            "https://h.example:8443/shop@feature/x",
            "https://h.example:8443/shop",
            "feature/x",
            "shop",
        ),
        ("file:///srv/git/shop.git@main", "file:///srv/git/shop.git", "main", "shop"),
        ("http://127.0.0.1:80/.git", "http://127.0.0.1:80/.git", "HEAD", "suite"),
    ],
)
def test_an_address_with_a_ref_is_taken_apart(text: str, url: str, ref: str, name: str) -> None:
    found = parse_git(text)
    assert (found.url, found.ref, found.name) == (url, ref, name)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://ann:secret@h.example/shop", "holds a credential"),
        ("https://token@h.example/shop", "holds a credential"),
        ("http://h.example/shop", "not encrypted"),
        ("ext::sh -c touch% /tmp/x", "no address"),
        ("git@h.example:shop", "no address"),
        ("--upload-pack=touch /tmp/x", "no address"),
        ("/srv/shop", "no address"),
        ("ftp://h.example/shop", "no address"),
        ("https://h.example", "no address"),
        ("https:///shop", "names no host"),
        ("file://host/shop", "names a host"),
        ("https://h.example/shop?x=1", "more than a host and a path"),
        ("https://h.example/shop#x", "more than a host and a path"),
        ("https://h.example/sh op", "more than a host and a path"),
        ("https://h.example/\x00", "no address"),
        ("https://[::1/shop", "is none"),
    ],
)
def test_an_address_that_could_mean_more_is_refused(url: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        GitReference(url)
    assert "secret" not in str(refused.value).replace("as a secret", "").replace(
        "ath secrets set NAME", ""
    ).replace("--git-secret", "")


@pytest.mark.parametrize(
    "ref", ["", "--exec=x", "a b", "a..b", "x@{1}", "a.lock", "refs/", "a:b", "+a", "^a", "a\n"]
)
def test_a_ref_that_git_could_take_for_more_is_refused(ref: str) -> None:
    with pytest.raises(InvalidInput, match="no branch, tag or commit"):
        GitReference("https://h.example/shop", ref)


@pytest.mark.parametrize("folder", ["/etc", "../x", "a/../../b", "a\\b"])
def test_a_folder_out_of_the_repository_is_refused(folder: str) -> None:
    with pytest.raises(InvalidInput, match="not within the repository"):
        GitReference("https://h.example/shop", folder=folder)
