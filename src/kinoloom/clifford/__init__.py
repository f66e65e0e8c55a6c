"""Multivector fields: Clifford algebras, layers that respect their product, fields to learn."""
