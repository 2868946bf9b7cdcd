"""The embedded Milvus as a server on loopback: the same client protocol as a cluster, several processes at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loopback import free_port


@contextmanager
def running_milvus(folder: Path | None = None) -> Iterator[str]:
    """Its address. With `folder`, what was stored there before is there again."""
    data = folder or Path(tempfile.mkdtemp(prefix="advisor-milvus-"))
    port = free_port()
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}  # its threads would only fight on a small machine
    command = [sys.executable, "-m", "milvus_lite", "server", "--data-dir", str(data), "--host", "127.0.0.1", "--port", str(port)]
    with (data.parent / f"{data.name}.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        for _ in range(600):
            if b"listening" in Path(log.name).read_bytes() or process.poll() is not None:
                break
            time.sleep(0.1)
        assert process.poll() is None, Path(log.name).read_text(encoding="utf-8", errors="replace")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()  # closing in order takes seconds, and what was acknowledged is in its log
        process.wait(timeout=60)
        Path(log.name).unlink()
        if folder is None:
            shutil.rmtree(data, ignore_errors=True)
