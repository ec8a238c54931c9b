"""A pytest suite that uses its machine as ordinary suites do, and knows of no sandbox."""

CONFTEST = """\
import sqlite3

import pytest


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared")
    yield folder
    assert folder.exists()


@pytest.fixture(params=["memory", "file"])
def database(request, tmp_path):
    where = ":memory:" if request.param == "memory" else tmp_path / "a.db"
    connection = sqlite3.connect(where)
    yield connection
    connection.close()
"""

SUITE = """\
import asyncio
import concurrent.futures
import ctypes
import fcntl
import getpass
import http.server
import locale
import mmap
import multiprocessing
import os
import pathlib
import pwd
import resource
import select
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid

import pytest


def square(number):
    return number * number


@pytest.mark.parametrize("value", [1, 2, 3])
def test_parameters(value):
    assert value < 3


@pytest.mark.skip(reason="not today")
def test_skipped():
    assert False


@pytest.mark.xfail(strict=True)
def test_expected_to_fail():
    assert False


def test_broken_setup(no_such_fixture):
    assert True


def test_monkeypatch_and_capture(monkeypatch, capfd, recwarn):
    monkeypatch.setenv("SOME_NAME", "some value")
    subprocess.run(["sh", "-c", "echo $SOME_NAME"], check=True)
    assert capfd.readouterr().out == "some value\\n"


NAMES = ["plain", "\\u00fcml\\u00e4ut", "\\u65e5\\u672c", "sp ace", "a" * 200]


@pytest.mark.parametrize("name", NAMES)
def test_files_of_any_name(tmp_path, name):
    path = tmp_path / name
    path.write_text("\\U0001f600", encoding="utf-8")
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert path.read_text(encoding="utf-8") == "\\U0001f600"
    path.rename(tmp_path / "other")
    os.link(tmp_path / "other", tmp_path / "linked")
    (tmp_path / "pointing").symlink_to("other")
    assert (tmp_path / "pointing").read_bytes() == (tmp_path / "linked").read_bytes()
    shutil.copytree(tmp_path, f"{tmp_path}-copied", symlinks=True)
    shutil.rmtree(tmp_path)


def test_modes_and_times(tmp_path):
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o600)
    os.utime(path, (1, 2))
    assert (path.stat().st_mode & 0o777, path.stat().st_mtime) == (0o600, 2)


def test_locks_and_maps(tmp_path):
    with (tmp_path / "file").open("w+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(file, fcntl.LOCK_EX)
        file.truncate(1 << 20)
        with mmap.mmap(file.fileno(), 0) as mapped:
            mapped[:5] = b"hello"
        assert file.read(5) == b"hello"
        os.posix_fallocate(file.fileno(), 0, 2 << 20)


def test_temporary_files():
    with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
        assert pathlib.Path(file.name).exists()
        assert os.listdir(folder) == []


def test_fifo(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    writer = threading.Thread(target=(tmp_path / "fifo").write_text, args=("through",))
    writer.start()
    assert (tmp_path / "fifo").read_text() == "through"
    writer.join()


def test_database(database):
    database.execute("create table a (b text)")
    database.executemany("insert into a values (?)", [(str(each),) for each in range(1000)])
    database.commit()
    assert database.execute("select count(*) from a").fetchone() == (1000,)


INSERT = (
    "import sqlite3, sys\\n"
    "with sqlite3.connect(sys.argv[1]) as connection:\\n"
    "    connection.execute('insert into a values (1)')\\n"
)


def test_write_ahead_log_between_processes(shared):
    path = str(shared / "wal.db")
    with sqlite3.connect(path) as connection:
        connection.execute("pragma journal_mode=wal")
        connection.execute("create table a (b)")
    subprocess.run([sys.executable, "-c", INSERT, path], check=True)
    assert sqlite3.connect(path).execute("select * from a").fetchall() == [(1,)]


def test_subprocess_pipeline():
    first = subprocess.Popen(["printf", "b\\\\na\\\\n"], stdout=subprocess.PIPE)
    second = subprocess.run(["sort"], stdin=first.stdout, capture_output=True, check=True)
    assert (second.stdout, first.wait()) == (b"a\\nb\\n", 0)


def test_a_new_interpreter():
    argv = [sys.executable, "-c", "import json, ssl; print(1)"]
    ended = subprocess.run(argv, capture_output=True)
    assert (ended.returncode, ended.stdout) == (0, b"1\\n")


def test_signals():
    heard = []
    before = signal.signal(signal.SIGUSR1, lambda *_: heard.append(1))
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)
    assert heard == [1]
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    os.killpg(child.pid, signal.SIGTERM)
    assert child.wait(10) == -signal.SIGTERM


def test_alarm_and_timers():
    with pytest.raises(InterruptedError):
        def stop(*_):
            raise InterruptedError
        signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        time.sleep(10)


def test_threads():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(square, range(100))) == 328350


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method):
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        assert pool.map(square, range(10)) == [each * each for each in range(10)]


def test_shared_memory_and_locks():
    from multiprocessing import shared_memory
    made = shared_memory.SharedMemory(create=True, size=4096)
    made.buf[:3] = b"abc"
    assert bytes(made.buf[:3]) == b"abc"
    made.close()
    made.unlink()
    queue = multiprocessing.get_context("fork").Queue()
    queue.put(1)
    assert queue.get(timeout=5) == 1


def test_process_pool_executor():
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        assert list(pool.map(square, range(4))) == [0, 1, 4, 9]


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_on_loopback(host):
    with http.server.ThreadingHTTPServer((host, 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with urllib.request.urlopen(f"http://{host}:{server.server_port}/", timeout=5) as answer:
            assert answer.read() == b"hello"
        server.shutdown()
        thread.join()


def test_ipv6_loopback():
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        with socket.create_connection(server.getsockname()[:2], 5) as client:
            client.sendall(b"x")
            assert server.accept()[0].recv(1) == b"x"


def test_datagrams_and_unix_sockets(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"x", one.getsockname())
        assert one.recv(1) == b"x"
    path = f"{tempfile.mkdtemp()}/s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
    one, other = socket.socketpair()
    reader, writer = os.pipe()
    socket.send_fds(one, [b"x"], [reader])
    assert socket.recv_fds(other, 1, 1)[0] == b"x"
    for each in (one, other):
        each.close()


def test_asyncio():
    async def main():
        async def echo(reader, writer):
            writer.write(await reader.readline())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\\n")
        assert await reader.readline() == b"hello\\n"
        writer.close()
        server.close()
        started = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
        assert (await started.communicate(b"x"))[0] == b"x"
        assert await asyncio.to_thread(square, 3) == 9

    asyncio.run(main())


def test_polling():
    reader, writer = os.pipe()
    with select.epoll() as found:
        found.register(reader, select.EPOLLIN)
        os.write(writer, b"x")
        assert found.poll(1) == [(reader, select.EPOLLIN)]
    assert os.eventfd_read(os.eventfd(5)) == 5


def test_pseudo_terminal():
    import pty
    pid, handle = pty.fork()
    if pid == 0:
        os.execlp("sh", "sh", "-c", "test -t 0 && echo terminal")
    assert b"terminal" in os.read(handle, 100)
    assert os.waitpid(pid, 0)[1] == 0


def test_who_and_where():
    assert pwd.getpwuid(os.getuid()).pw_name == getpass.getuser()
    assert os.access(os.path.expanduser("~"), os.W_OK)
    assert os.cpu_count() >= 1
    assert len(os.sched_getaffinity(0)) >= 1
    assert socket.gethostname()
    assert os.getloadavg()
    assert pathlib.Path("/proc/self/status").read_text().startswith("Name:")


def test_limits():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_locale_and_zone(monkeypatch):
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    assert time.tzname[0] == "JST"


def test_clocks_and_chance():
    assert time.time() > 0 and time.monotonic_ns() > 0 and time.process_time() >= 0
    assert uuid.uuid4() != uuid.uuid4()
    assert len(os.urandom(32)) == 32
    ssl.create_default_context()


def test_a_library_of_the_machine():
    assert ctypes.CDLL(None).getpid() == os.getpid()


def test_fails():
    assert "one" == "two"


def test_is_unhappy():
    raise ValueError("no")
"""
