"""Fields to learn from: solvers of physical equations, checked against analytic solutions."""
