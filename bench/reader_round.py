"""Run in an environment with `reader`: CPU seconds of its first update over the feeds given on standard input."""

import json
import resource
import sys
import tempfile
from pathlib import Path

from reader import make_reader


def cpu() -> float:
    use = resource.getrusage(resource.RUSAGE_SELF)
    return use.ru_utime + use.ru_stime


urls = json.load(sys.stdin)
with tempfile.TemporaryDirectory() as room:
    reader = make_reader(str(Path(room) / "db.sqlite"))
    for url in urls:
        reader.add_feed(url)
    before = cpu()
    reader.update_feeds(workers=8)
    print(cpu() - before)
    assert reader.get_entry_counts().total == 20 * len(urls)
    reader.close()
