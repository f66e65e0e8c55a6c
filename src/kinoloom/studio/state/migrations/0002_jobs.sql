CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    position REAL NOT NULL,
    body TEXT NOT NULL,
    plan TEXT NOT NULL,
    person TEXT NOT NULL,
    created REAL NOT NULL,
    started REAL,
    ended REAL,
    resumes INTEGER NOT NULL DEFAULT 0,
    pid INTEGER,
    process_started TEXT,
    cancelling INTEGER NOT NULL DEFAULT 0,
    progress TEXT NOT NULL DEFAULT '{}',
    result TEXT NOT NULL DEFAULT '{}',
    fingerprint TEXT NOT NULL,
    made TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state, position);
CREATE INDEX jobs_by_fingerprint ON jobs (fingerprint);
CREATE TABLE confirmed_files (
    digest TEXT PRIMARY KEY, person TEXT NOT NULL, time REAL NOT NULL
) STRICT;
