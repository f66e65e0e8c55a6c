"""Generation of C99 from a program: a header, a source file and a project that builds them."""
