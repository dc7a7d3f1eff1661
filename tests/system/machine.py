"""The machine as tests make it: hugepages for a while, and folders of /sys, /dev and /proc made up for one process."""

import contextlib
import shlex
import subprocess

from harness import HUGEPAGES, Skip, root

NODES = "/sys/devices/system/node"


@contextlib.contextmanager
def reserved_hugepages(count):
    """So many more hugepages; a file that tells how many are free; given back afterwards."""
    total, free = HUGEPAGES / "nr_hugepages", HUGEPAGES / "free_hugepages"
    before = int(total.read_text())
    try:
        total.write_text(str(before + count))
        if int(free.read_text()) < count:
            raise Skip(f"{count} hugepages cannot be reserved")
        yield free
    finally:
        total.write_text(str(max(0, int(total.read_text()) - count)))


def mount_namespaces():
    """Whether a process can have mounts of its own."""
    made = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True)
    return root() or (None if made.returncode == 0 else f"unshare: {made.stderr.strip()}")


def with_mounts(folders, *commands):
    """Command prefix: the program sees the folders at the places that are their keys, once the commands have run."""
    binds = [f"mount --rbind {shlex.quote(str(folder))} {place}" for place, folder in folders.items()]
    script = " && ".join([*commands, *binds, 'exec "$@"'])
    return ("unshare", "--mount", "sh", "-c", script, "sh")


WITHOUT_HUGETLBFS = with_mounts({}, "{ umount --all --types hugetlbfs || true; }")


def put(folder, files):
    """Files with their text; for a text that starts with `->` a link."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("->"):
            path.symlink_to(text[2:])
        else:
            path.write_text(text)
    return folder


def hugepages_of(folder, *free):
    """A made-up NODES with so many 2 MiB pages, all free, on each NUMA node."""
    pages = "node{}/hugepages/hugepages-2048kB/{}_hugepages"
    return put(folder, {pages.format(node, which): f"{count}\n" for node, count in enumerate(free)
                        for which in ("nr", "free")})
