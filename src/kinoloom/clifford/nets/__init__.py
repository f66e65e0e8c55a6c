"""Networks of multivector fields, and their plain counterparts, in torch."""
