"""What the process tier enforces on this machine, found out by asking its kernel."""

from collections.abc import Mapping

from actors.sandbox.landlock import landlock_abi
from actors.sandbox.syscalls import this_architecture


def describe_process_tier() -> Mapping[str, str]:
    """Each control of the tier as enforced, watchdog or absent."""
    landlock = "enforced" if landlock_abi() > 0 else "absent"
    calls = "enforced" if this_architecture() else "absent"
    return {
        "write_protection": landlock,
        "no_new_privileges": landlock,
        "process_tree_end": "enforced",
        "open_files": "enforced",
        "file_size": "enforced",
        "memory": "watchdog",
        "deadline": "watchdog",
        "output": "enforced",
        "read_protection": "absent",
        "network": "absent",
        "system_calls": calls,
        "process_count": "absent",
    }
