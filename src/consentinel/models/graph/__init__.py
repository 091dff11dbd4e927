"""Models of graphs: classes of nodes and ranked links."""
