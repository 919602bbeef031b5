"""The flow chart of a recorded graph."""

from penlight.viz.flowchart.picture import GraphPicture, graph

__all__ = ["GraphPicture", "graph"]
