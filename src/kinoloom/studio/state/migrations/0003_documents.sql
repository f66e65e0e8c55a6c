CREATE TABLE documents (
    id INTEGER PRIMARY KEY, page TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    UNIQUE (page, kind, name)
) STRICT;
CREATE TABLE changes (
    document INTEGER NOT NULL REFERENCES documents, seq INTEGER NOT NULL, key TEXT NOT NULL,
    person TEXT NOT NULL, time REAL NOT NULL, verb TEXT NOT NULL, target INTEGER NOT NULL,
    change TEXT, inverse TEXT, PRIMARY KEY (document, seq), UNIQUE (document, key)
) STRICT;
CREATE TABLE snapshots (
    document INTEGER NOT NULL REFERENCES documents, seq INTEGER NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (document, seq)
) STRICT;
