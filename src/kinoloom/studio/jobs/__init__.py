"""Jobs: a queue of ops that outlive the server and its tabs."""
