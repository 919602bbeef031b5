"""The cases, a family a file."""

from benchmarks.cases import conv, graph, layers, ops, sweep, train, transforms, variants

FAMILIES = (graph, train, ops, variants, layers, conv, sweep, transforms)


def all_cases():
    return [case for family in FAMILIES for case in family.cases()]
