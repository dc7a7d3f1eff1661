#!/usr/bin/env python3
"""ringway on PCI NICs bound to vfio-pci, in a guest: the cases of tools/lab/qemu_nics, which all have one boot."""

import contextlib
import functools
import pathlib
import signal
import subprocess
import sys

from harness import main, test

LAB = pathlib.Path(__file__).resolve().parents[2] / "tools" / "lab"
sys.path.insert(0, str(LAB))

import nic_lab  # noqa: E402
from nic_cases import CASES  # noqa: E402

at_end = contextlib.ExitStack()


@functools.cache
def booted():
    """The lab, or why it could not be set up; once."""
    try:
        return at_end.enter_context(nic_lab.Lab(lambda text: print(f"# {text}", flush=True)))
    except (nic_lab.GuestError, OSError, subprocess.CalledProcessError) as problem:
        return problem


@test(nic_lab.lacking, each=[(name,) for name in CASES])
def bound(work, name):
    lab = booted()
    if isinstance(lab, Exception):
        raise lab
    CASES[name](lab)


@test()
def help_of_qemu_nics_names_its_cases(work):
    done = subprocess.run([LAB / "qemu_nics", "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("usage: qemu_nics "), done
    assert all(name in done.stdout for name in CASES), done.stdout


@test()
def words_that_no_case_has_are_an_error_in_usage(work):
    done = subprocess.run([LAB / "qemu_nics", "no such case"], capture_output=True, text=True)
    assert done.returncode == 2 and "no such case" in done.stderr, done


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the guest ends with us
    with at_end:
        main()
