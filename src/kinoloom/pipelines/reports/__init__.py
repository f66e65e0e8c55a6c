"""Reports on executions: the graph, the timeline and everything else that is stored of them."""
