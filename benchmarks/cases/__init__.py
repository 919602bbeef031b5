"""The cases, a family a file."""

from benchmarks.cases import conv, graph, ops, sweep, train


def all_cases():
    return [case for family in (graph, train, ops, conv, sweep) for case in family.cases()]
