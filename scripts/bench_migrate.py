"""Prints what ``nnconvert migrate`` takes for large checkpoints: seconds, and peak memory over the size of the file.

    python scripts/bench_migrate.py [--mib 2048]

The files are made in a temporary folder: one of torch.save, and a sparse-filled one of safetensors.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PARTS = 4
RESULT = "{file:<18} {size:6.0f} MiB   {seconds:5.1f} s   peak {peak:6.0f} MiB   {ratio:4.2f} of the file"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=2048)
    size = parser.parse_args().mib << 20
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        keys = {f"w{i}": f"linear{i}.weight" for i in range(PARTS)}
        (root / "m.json").write_text(json.dumps({"version": 1, "files": {"net.py": {"Net": keys}}}))
        write_torch(root / "old.pt", size)
        write_safetensors(root / "old.safetensors", size)
        for name in ("old.pt", "old.safetensors"):
            measure(root, name)


def write_torch(path: Path, size: int) -> None:
    """In a process of its own, whose memory does not count."""
    code = "import sys, torch\nn = int(sys.argv[2]) // 16\n"
    code += "torch.save({'model': {f'w{i}': torch.zeros(n) for i in range(4)}, 'epoch': 3}, sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(path), str(size)], check=True)


def write_safetensors(path: Path, size: int) -> None:
    part = size // PARTS
    table = {
        f"w{i}": {"dtype": "F32", "shape": [part // 4], "data_offsets": [i * part, (i + 1) * part]}
        for i in range(PARTS)
    }
    header = json.dumps(table).encode()
    header += b" " * (-len(header) % 8)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + part * PARTS)


def measure(root: Path, name: str) -> None:
    command = [sys.executable, "-m", "nnconvert", "migrate", name, "--map", "m.json", "-q", "-o", f"new-{name}"]
    before = time.perf_counter()
    process = subprocess.Popen(command, cwd=root)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - before
    if status:
        raise SystemExit(f"{name}: migrate ended with {os.waitstatus_to_exitcode(status)}")
    size, peak = (root / name).stat().st_size / 2**20, peak_mib(usage)
    print(RESULT.format(file=name, size=size, seconds=seconds, peak=peak, ratio=peak / size))


def peak_mib(usage: resource.struct_rusage) -> float:
    """Linux counts in KiB, macOS in bytes."""
    return usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
