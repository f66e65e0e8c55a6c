"""Pages that subjects and third parties add: modules, calls, feeds."""
