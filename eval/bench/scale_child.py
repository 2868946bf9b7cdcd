"""The processes of the scale benchmark, on the index of `ADVISOR_HOME`: `build TEXTS SIZE [--fake]` and `search`; each prints JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from eval.bench.latency import resident_mb
from eval.bench.many_files_child import peak_mb
from eval.bench.tables import each_timed
from kb.index import Index
from kb.settings import get_settings
from kb.snapshot import Snapshot
from kb.store import store_for

_QUESTIONS = 200
_RECALL_AT = 50


def main() -> None:
    """Does what it is told."""
    if sys.argv[1] == "build":
        from eval.bench.scale import build

        cost = build(get_settings(), Path(sys.argv[2]), int(sys.argv[3]), "--fake" in sys.argv)
        print(json.dumps(cost | {"peak_mb": peak_mb()}))
    else:
        _search()


def _search() -> None:
    """Asks for pieces of the texts themselves, as a user who remembers half a sentence would."""
    began = time.perf_counter()
    index = Index.open()
    index.warm_up()
    open_s = time.perf_counter() - began
    random = np.random.default_rng(3)
    sources = [document.source for document in index.documents()]
    asked = []
    for source in random.choice(sources, size=min(_QUESTIONS, len(sources)), replace=False):
        text = index.chunks_of(str(source))[0].text.replace("\n", "")
        start = int(random.integers(0, max(1, len(text) - 24)))
        asked.append(f"{text[start : start + 16]}是怎么回事？")
    busy = time.process_time()
    seconds = each_timed(index.search, asked)
    cpu_ms = (time.process_time() - busy) * 1000 / len(asked)
    found = {"open_s": open_s, "seconds": seconds, "cpu_ms": cpu_ms, "memory_mb": resident_mb()}
    print(json.dumps(found | {"manifest_mb": index.manifest.size_bytes() / 1e6, "recall": _dense_recall(index)}))


def _dense_recall(index: Index) -> float:
    """Share of the true nearest chunks among those that the index's vector path returns; 1 for an exact one."""
    view = store_for(index.settings).view(index.manifest)
    if isinstance(view, Snapshot) and view.vectors is None:
        return 1.0
    everything = view.select(None, None)
    ids, matrix = index.manifest.vectors()
    random = np.random.default_rng(5)
    found = 0
    rows = random.integers(0, len(ids), 100)
    for row in rows:
        vector = np.asarray(matrix[row] + 0.03 * random.standard_normal(matrix.shape[1]), dtype=np.float32)
        vector /= np.float32(np.linalg.norm(vector))
        best = {ids[i] for i in np.argpartition(-(matrix @ vector), _RECALL_AT)[:_RECALL_AT]}
        found += len(best & view.nearest(vector, _RECALL_AT, everything, ()).keys())
    return found / (len(rows) * _RECALL_AT)


if __name__ == "__main__":
    main()
