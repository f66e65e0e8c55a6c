"""Neural layers of multivectors, in torch; each module documents its inputs and outputs."""
