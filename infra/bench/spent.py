"""What processes have taken: CPU and memory."""

from __future__ import annotations

from pathlib import Path

import psutil


def cpu_s(*processes: psutil.Process) -> float:
    """Seconds of CPU that they have spent so far, together."""
    return sum(float(sum(one.cpu_times()[:2])) for one in processes)


def family_cpu_s(parent: psutil.Process) -> float:
    """The same of a server with all its processes, those included that have ended."""
    total = float(sum(parent.cpu_times()[:4]))  # Its own, and that of children that have ended.
    for child in parent.children(recursive=True):
        try:
            total += cpu_s(child)
        except psutil.NoSuchProcess:  # Ended meanwhile.
            continue
    return total


def peak_bytes(pid: int) -> int:
    """The most that a process had resident; what it has now, where the system does not tell."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return psutil.Process(pid).memory_info().rss
