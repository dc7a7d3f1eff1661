"""Adds up meson's JUnit results: names what failed and why tests were skipped, and closes with one line of counts.

usage: count_results.py JUNIT_XML...
"""
import collections
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def main():
    passed = failed = 0
    skipped = collections.Counter()
    for path in sys.argv[1:]:
        if not pathlib.Path(path).exists():
            print(f"failed: {path}: no result was written")
            failed += 1
            continue
        for case in ElementTree.parse(path).iter("testcase"):
            name = f"{case.get('classname', '')} {case.get('name', '')}".strip()
            skip = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                print(f"failed: {name}")
                failed += 1
            elif skip is not None or case.get("result") == "skipped":
                words = [] if skip is None else (skip.get("message") or skip.text or "").strip().splitlines()
                skipped[f"{name}: {words[-1] if words else 'see the log'}"] += 1
            else:
                passed += 1
    for reason in skipped:
        print(f"skipped: {reason}")
    print(f"{passed} passed, {failed} failed, {sum(skipped.values())} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
