"""The cases, a family a file."""

from benchmarks.cases import conv, graph, ops, sweep, train, transforms


def all_cases():
    return [case for family in (graph, train, ops, conv, sweep, transforms) for case in family.cases()]
