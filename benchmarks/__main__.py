"""python -m benchmarks [filter ...] [--threads 1,2] [--save path] [--plot picture.svg] [--page docs/performance.md]

A filter is a part of a case's title ("conv/", "depthwise", "op/exp"). Every thread count runs in a process of
its own; within it, penlight and its rivals take turns. --save writes path.md and path.json; --page writes the page of
the documentation, with the picture, memory and instruction counts, in ten minutes or so; --read makes either of
them again from a path.json.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

from benchmarks import cases, machine, report
from benchmarks.case import Libraries
from benchmarks.measure import alternate


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("filters", nargs="*", help="parts of the titles of the cases to run; default all")
    parser.add_argument("--threads", default="1,2", help="thread counts, default 1,2")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--rivals", default="torch,jax")
    parser.add_argument("--save", help="write path.md and path.json")
    parser.add_argument("--read", help="measure nothing, take the rows of a path.json saved before")
    parser.add_argument("--plot", help="write a roofline picture")
    parser.add_argument("--page", help="write the page of the documentation")
    parser.add_argument("--list", action="store_true", help="print the titles only")
    parser.add_argument("--one-count", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    chosen = [
        case
        for case in cases.all_cases()
        if not options.filters or any(part in case.title for part in options.filters)
    ]
    if options.list:
        print("\n".join(case.title for case in chosen))
        return
    if options.one_count:
        run_here(chosen, options)
        return
    rows, limits = [], []
    if options.read:
        saved = json.loads(pathlib.Path(options.read).read_text())
        rows, limits = saved["rows"], saved["limits"]
    for threads in options.threads.split(",") if not options.read else ():
        for kind, item in run_in_process(threads, options):
            (limits if kind == "limit" else rows).append(item)
            print(report.limits_text([item]) if kind == "limit" else report.line_of(item), flush=True)
    print("\n" + report.summary(rows))
    if options.save:
        report.save(options.save, rows, limits)
    if options.page:
        from benchmarks import page

        page.make(options.page, rows, limits)
    if options.plot:
        from benchmarks import roofline

        roofline.draw(options.plot, rows, limits)


def run_in_process(threads, options):
    command = [sys.executable, "-m", "benchmarks", *options.filters, "--one-count", "--threads", threads]
    command += ["--rounds", str(options.rounds), "--rivals", options.rivals]
    environment = {**os.environ, "OMP_NUM_THREADS": threads}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        for line in process.stdout:
            if line.startswith("{"):
                yield next(iter(json.loads(line).items()))
            else:
                print(line, end="")
    if process.returncode:
        sys.exit(process.returncode)


def run_here(chosen, options):
    threads = int(options.threads)
    if hasattr(os, "sched_setaffinity") and threads <= len(os.sched_getaffinity(0)):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    libraries = Libraries.installed(options.rivals.split(","), threads)
    limit = machine.measure(libraries.penlight)
    print(json.dumps({"limit": limit}), flush=True)
    for case in chosen:
        runners, missing = libraries.runners(case)
        seconds = alternate(runners, options.rounds) if runners else {}
        print(json.dumps({"row": report.row_of(case, seconds, missing, limit)}), flush=True)
    libraries.close()


if __name__ == "__main__":
    main()
