"""A suite that does what it can to hurt those who execute it and read of it."""

SUITE = """\
import os
import pytest

@pytest.fixture
def output_path(tmp_path):
    return str(tmp_path)

def test_half_a_character():
    print("half \\ud800 and nothing \\x00")
    assert "\\ud800" == ""

def test_loud():
    for _ in range(100):
        print("x" * (1 << 20))
    assert False, "loud"

def test_files(output_path):
    with open(output_path + "/shot.png", "wb") as file:
        file.truncate(200 << 20)
    os.mkfifo(output_path + "/pipe")
    os.symlink("/etc/passwd", output_path + "/link")
    open(output_path.encode() + b"/bad\\xff.txt", "w").close()
    with open(output_path + "/good.txt", "w") as file:
        file.write("good")

@pytest.mark.parametrize("x", [1], ids=["n" * 1_000_000])
def test_long(x):
    pass

def test_terminal():
    raise AssertionError("\\x1b[2J\\x1b]0;owned\\x07 \\u202egpj.exe\\r\\n::error::injected")

def test_last():
    pass
"""
