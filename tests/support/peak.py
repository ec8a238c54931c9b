"""Reads a report in a process of its own and tells what that took: `peak.py KIND FILE`."""

import json
import re
import sys
import time
from pathlib import Path

from harness.domain.report_archive import ReportArchive
from harness.domain.report_format import ReportFormat
from harness.domain.reports import read_reports
from harness.errors import HarnessError


def main() -> None:
    """Print the outcome, the seconds and the peak of memory in MiB, as JSON."""
    before = _peak()
    start = time.process_time()
    with Path(sys.argv[2]).open("rb") as file:
        try:
            found = read_reports(ReportArchive(file, "report"), ReportFormat(sys.argv[1]))
            outcome = f"{len(found.results.tests)} tests"
        except HarnessError as error:
            outcome = str(error)
    seconds = time.process_time() - start
    sys.stdout.write(json.dumps([outcome, seconds, _peak() - before]))


def _peak() -> float:
    # Not getrusage, which counts what the process had before it became this program.
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found.group(1)) / 1024 if found else 0.0


if __name__ == "__main__":
    main()
