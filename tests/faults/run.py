#!/usr/bin/env python3
"""Puts the faults of faults.txt, dataplane.txt, diff.txt, ebpf.txt, lint.txt, why.txt and tiers.txt into the code one at a time and says which tests catch each.

usage: tests/faults/run.py [FIRST [LAST]]

Works in a copy of the tree, in target/faults, so that two runs at once would find each other's faults: the second
one is refused. Prints rows for the table in docs/trust.md; a fault that no
test catches, or whose text is no longer found exactly once, ends the run with status 1.
"""

import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COPY = ROOT / "target" / "faults" / "tree"
CARGO = ["cargo", "test", "--locked", "--no-fail-fast"]
LISTS = {
    "faults.txt": [*CARGO, "--test", "agreement", "--", "z3", "comparisons", "redundant"],
    "dataplane.txt": [*CARGO, "--test", "dataplane", "--test", "mutants"],
    "ebpf.txt": [*CARGO, "--lib", "--test", "ebpf", "--test", "ebpf_mutants"],
    "diff.txt": [*CARGO, "--test", "diff"],
    "lint.txt": [*CARGO, "--lib", "--test", "lint"],
    "why.txt": [*CARGO, "--test", "path", "--test", "exposure", "--test", "fix"],
    "tiers.txt": [*CARGO, "--lib", "--test", "agreement", "--test", "tiers", "--test", "tier_facts", "--test", "names",
                  "--test", "check", "--test", "lint"],
}


def faults():
    """Blocks: a line `# file: description`, the text, a line `=>`, what to put in its place."""
    for name, tests in LISTS.items():
        text = (ROOT / "tests" / "faults" / name).read_text()
        for block in re.split(r"^# (?=src/)", text, flags=re.M)[1:]:
            head, body = block.split("\n", 1)
            file, description = head.split(": ", 1)
            old, new = body.split("\n=>\n")
            yield tests, file, description, old, new.rstrip("\n")


def run(tests, cases):
    env = dict(os.environ, CARGO_TARGET_DIR=str(ROOT / "target" / "faults" / "target"), RUST_BACKTRACE="0",
               PROPTEST_MAX_SHRINK_ITERS="0", PROPTEST_CASES=str(cases))
    done = subprocess.run(tests, cwd=COPY, env=env, capture_output=True, text=True)
    failed = re.findall(r"^test (\S+) \.\.\. FAILED", done.stdout, flags=re.M)
    built = "running" in done.stdout
    return built, failed, done.stderr


def main():
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    last = int(sys.argv[2]) if len(sys.argv) > 2 else 10**9
    COPY.parent.mkdir(parents=True, exist_ok=True)
    lock = open(COPY.parent / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit("another run is at work in target/faults")
    if COPY.exists():
        shutil.rmtree(COPY)
    COPY.mkdir(parents=True)
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in tracked.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, COPY / name)
    wrong = 0
    for number, (tests, file, description, old, new) in enumerate(faults(), 1):
        if not first <= number <= last:
            continue
        path = COPY / file
        original = path.read_text()
        if original.count(old) != 1:
            print(f"{number}: {file}: found {original.count(old)} times: {description}", flush=True)
            wrong += 1
            continue
        path.write_text(original.replace(old, new))
        # A quarter of what the suite draws is enough for most.
        built, failed, stderr = run(tests, 16)
        if built and not failed:
            built, failed, stderr = run(tests, 64)
        path.write_text(original)
        if not built:
            print(f"{number}: does not build: {description}\n{stderr[-600:]}", flush=True)
        elif not failed:
            print(f"{number}: not caught: {description}", flush=True)
        else:
            module = file.removeprefix("src/").removesuffix(".rs")
            print(f"| `{module}` | {description} | {len(failed)} | `{failed[0]}` |", flush=True)
        wrong += not built or not failed
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
