#!/usr/bin/env python3
"""Conformance of `portolan diff -o json`: its groups, expanded, against known differences of connectivity.

  diff.py DIR [--cmd 'target/release/portolan diff'] [--filter REGEX] [ARGUMENT...]

DIR holds run.py and cases/, as docs/conformance.md describes; the cases are those named diff-*. The expected values
before and after each pair of ends are subtracted both ways, and must be what the groups tell to be added and removed.

Exit status: 0 all passed, 1 something failed. Python 3.11, standard library only.
"""
import argparse
import collections
import importlib.util
import json
import pathlib
import re
import shlex
import subprocess
import sys


def load(path):
    spec = importlib.util.spec_from_file_location("run", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def without(run, a, b):
    """The connections of one value that the other does not have."""
    left, cut = {}, dict(b)
    for protocol, ranges in a:
        pieces = list(ranges)
        for low, high in cut.get(protocol, ()):
            halves = [half for x, y in pieces for half in ((x, min(y, low - 1)), (max(x, high + 1), y))]
            pieces = [half for half in halves if half[0] <= half[1]]
        if pieces:
            left[protocol] = pieces
    return run.conn_make(left)


def expected(run, document):
    sides = ({}, {})
    for key, segments in document["relation"]:
        for side, into in enumerate(sides):
            found = []
            for low, high, (before, after) in run.frozen(segments):
                value = without(run, after, before) if side == 0 else without(run, before, after)
                if value:
                    found.append((low, high, value))
            if found and found[0][0] is not None:
                found = run.piecewise(found, run.conn_union)
            if found:
                into[run.frozen(key)] = tuple(tuple(segment) for segment in found)
    return sides


def ends(run, document, end):
    found = []
    if "set" in end:
        for member in document["sets"][end["set"]]:
            index = member if isinstance(member, int) else member["workload"]
            workload = document["workloads"][index]
            found.append(("w", workload["namespace"], workload["name"], workload["workloadKind"]))
    intervals = [interval for cidr in end.get("cidrs", []) if (interval := run.cidr_interval(cidr))]
    if intervals:
        found.append(("x", run.merge(intervals)))
    if end.get("ingressController"):
        found.append(run.INGRESS)
    return found


def told(run, document):
    sides = ([], [])
    for group in document["groups"]:
        before, after = group["before"] == "allowed", group["after"] == "allowed"
        if before == after:
            continue
        ports = collections.defaultdict(list)
        for item in group["traffic"]:
            if item.get("family") != "IPv6":
                ports[item["protocol"]].extend(run.ports_parse(item["ports"], "a group"))
        value = run.conn_make(ports)
        for source in ends(run, document, group["from"]) if value else []:
            for destination in ends(run, document, group["to"]):
                if source != destination and not source[0] == destination[0] == "x":
                    sides[0 if after else 1].append((source, destination, run.POD_NETWORK, value))
    return tuple(run.relation(rows) for rows in sides)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--cmd", default="target/release/portolan diff")
    parser.add_argument("--filter", default="")
    options, more = parser.parse_known_args()
    run = load(options.directory / "run.py")
    failed = 0
    for case in sorted((options.directory / "cases").glob("diff-*")):
        if not re.search(options.filter, case.name):
            continue
        command = [*shlex.split(options.cmd), case / "before", case / "after", "-o", "json", "-q", *more]
        output = subprocess.run(command, capture_output=True, text=True)
        wanted = expected(run, json.loads((case / "expected.json").read_text()))
        passed = output.returncode == 0 and told(run, json.loads(output.stdout)) == wanted
        failed += not passed
        print("PASS" if passed else "FAIL", case.name, flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
