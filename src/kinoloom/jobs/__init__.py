"""Jobs: run an op on files, on this machine or in pieces on a session, for any front end."""
