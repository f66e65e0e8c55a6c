"""The command line: everything it offers is found in the registry; no algorithm lives here."""
