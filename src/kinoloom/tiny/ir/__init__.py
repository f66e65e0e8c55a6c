"""The intermediate representation: a program in static single assignment form."""
