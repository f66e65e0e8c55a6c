"""Multivector fields: Clifford algebras, neural layers built on their product, simulated fields."""
