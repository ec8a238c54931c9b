"""A folder of wheels that serves as an index: builds need no network."""

import base64
import hashlib
import importlib.metadata
import io
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

PYTEST = ("pytest", "iniconfig", "packaging", "pluggy", "pygments")


def wheel(folder: Path, name: str, version: str, files: Mapping[str, str]) -> Path:
    """A wheel of these modules."""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    content = {path: text.encode() for path, text in files.items()}
    return _write(folder, name, version, content, metadata.encode())


def sdist(folder: Path, name: str, version: str, setup: str) -> Path:
    """A source distribution whose build executes `setup`."""
    path = folder / f"{name}-{version}.tar.gz"
    files = {
        "setup.py": setup,
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "setup"\n'
        'backend-path = ["."]\n',
    }
    with tarfile.open(path, "w:gz") as tar:
        for file, text in files.items():
            member = tarfile.TarInfo(f"{name}-{version}/{file}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


def wheels_of_pytest(folder: Path) -> Sequence[Path]:
    """The installed pytest and all it needs."""
    return [_repacked(folder, name) for name in PYTEST]


def index_of(folder: Path) -> dict[str, str]:
    """Index settings under which the folder is all there is; call it when the folder is full."""
    names = {file.name.partition("-")[0] for file in folder.glob("*-*")}
    for name in names:
        page = folder / name / "index.html"
        page.parent.mkdir(exist_ok=True)
        links = [f'<a href="../{file.name}">{file.name}</a>' for file in folder.glob(f"{name}-*")]
        page.write_text("<html><body>" + "\n".join(links) + "</body></html>")
    return {"UV_DEFAULT_INDEX": folder.as_uri()}


def _repacked(folder: Path, name: str) -> Path:
    found = importlib.metadata.distribution(name)
    content = {}
    for path in found.files or ():
        text = path.as_posix()
        if text.startswith("..") or ".dist-info/" in text or text.endswith(".pyc"):
            continue
        content[text] = Path(str(found.locate_file(path))).read_bytes()
    metadata = (found.read_text("METADATA") or "").encode()
    entry_points = found.read_text("entry_points.txt") or ""
    return _write(folder, name, found.version, content, metadata, entry_points)


def _write(
    folder: Path,
    name: str,
    version: str,
    content: Mapping[str, bytes],
    metadata: bytes,
    entry_points: str = "",
) -> Path:
    info = f"{name}-{version}.dist-info"
    files = {
        **content,
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if entry_points:
        files[f"{info}/entry_points.txt"] = entry_points.encode()
    record = "".join(f"{path},{_hash(data)},{len(data)}\n" for path, data in files.items())
    place = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(place, "w") as archive:
        for path, data in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(path, data)
    return place


def _hash(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
    return f"sha256={digest}"
