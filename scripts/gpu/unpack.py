"""Unpacks .gpu/ into the project's folder: dist/ and node_modules/, Node.js as node_modules/.bin/node."""

import hashlib
import lzma
import shutil
import tarfile
from pathlib import Path

packed = Path(".gpu")
stamp = Path("node_modules/.packed")
files = [packed / "fettle.tar.xz", packed / "node.xz"]
state = " ".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)

if not stamp.exists() or stamp.read_text() != state:
    if Path("node_modules").exists() and not stamp.exists():
        raise SystemExit("node_modules/ was not unpacked from .gpu/: run this in a copy of the project without it")
    for folder in ("dist", "node_modules"):
        shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(files[0]) as archive:
        archive.extractall()
    node = Path("node_modules/.bin/node")
    node.parent.mkdir(exist_ok=True)
    with lzma.open(files[1]) as source, node.open("wb") as target:
        shutil.copyfileobj(source, target, 2**20)
    node.chmod(0o755)
    stamp.write_text(state)
