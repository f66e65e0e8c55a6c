"""From a program to C99: one header, one source, and what builds and runs them."""
