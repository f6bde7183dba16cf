"""Downloads the wheels of the peers that `npm run bench -- cuda` measures, for a GPU machine that reaches no registry.

usage: python3 scripts/gpu/peer_wheels.py FOLDER

They are for Python 3.12 on Linux, x86-64, beside torch 2.11 with CUDA 13, transformers 5.17, peft 0.21 and accelerate
1.15, which are expected to be there. What a benchmark does not need is left out of the large ones.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

PACKAGES = [
    "unsloth==2026.10.9",
    "unsloth_zoo==2026.10.9",
    "trl==1.15.0",
    "bitsandbytes==0.50.2",
    "torchao==0.18.0",
    "datasets==4.8.5",
    "cut_cross_entropy==25.1.1",
    "tyro==1.0.17",
    "msgspec==0.22.0",
    "dill==0.4.1",
    "multiprocess==0.70.19",
    "docstring_parser==0.18.0",
    "typeguard==4.6.0",
]

GLIBCS = ["2_34", "2_31", "2_28", "2_27", "2_24", "2_17", "2_12", "2_5"]


def is_needed(name):
    """Whether a benchmark needs this file of a wheel."""
    if name.startswith("bitsandbytes/libbitsandbytes_"):
        return name in ("bitsandbytes/libbitsandbytes_cuda130.so", "bitsandbytes/libbitsandbytes_cpu.so")
    # Unsloth's wheel also holds a web application.
    return not (name.startswith(("studio/", "unsloth_cli/")) or "/tests/" in name)


def download(folder):
    platforms = [f"manylinux_{glibc}_x86_64" for glibc in GLIBCS] + ["manylinux2014_x86_64", "manylinux1_x86_64", "any"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version", "3.12", "--implementation", "cp"]
    command += [word for abi in ("cp312", "abi3", "none") for word in ("--abi", abi)]
    command += [word for platform in platforms for word in ("--platform", platform)]
    subprocess.run([*command, "--dest", str(folder), *PACKAGES], check=True)


def prune(wheel):
    """Rewrites a wheel without the files that are not needed, their lines in its RECORD included."""
    smaller = wheel.with_suffix(".smaller")
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(smaller, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new:
        for entry in old.infolist():
            if not is_needed(entry.filename):
                continue
            content = old.read(entry)
            if entry.filename.endswith(".dist-info/RECORD"):
                lines = content.decode().splitlines(keepends=True)
                content = "".join(line for line in lines if is_needed(line.split(",")[0])).encode()
            new.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)
    smaller.replace(wheel)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    download(folder)
    for wheel in sorted(folder.glob("*.whl")):
        prune(wheel)
    size = sum(wheel.stat().st_size for wheel in folder.glob("*.whl"))
    print(f"{len(PACKAGES)} wheels, {size / 2**20:.1f} MiB in {folder}")


main(Path(sys.argv[1]))
