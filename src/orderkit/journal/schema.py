"""The journal file's tables, their version, and the way from an older one."""

_TABLES = """
CREATE TABLE jobs (
    job_id        TEXT PRIMARY KEY,
    kind          TEXT NOT NULL,
    environment   TEXT NOT NULL,
    parameters    TEXT NOT NULL,
    arrival_price TEXT,
    started_ns    INTEGER NOT NULL,
    status        TEXT NOT NULL,
    reason        TEXT,
    finished_ns   INTEGER
) STRICT;
CREATE TABLE orders (
    client_order_id   TEXT PRIMARY KEY,
    job_id            TEXT NOT NULL REFERENCES jobs (job_id),
    sequence          INTEGER NOT NULL,
    request           TEXT NOT NULL,
    created_ms        INTEGER NOT NULL,
    replaces          TEXT,
    status            TEXT NOT NULL,
    order_id          INTEGER,
    algo_id           INTEGER,
    executed_quantity TEXT NOT NULL DEFAULT '0',
    average_price     TEXT,
    price             TEXT,
    updated_ms        INTEGER NOT NULL DEFAULT 0,
    rejection         TEXT,
    reason            TEXT
) STRICT;
CREATE INDEX orders_of_job ON orders (job_id, sequence);
CREATE TABLE fills (
    symbol          TEXT NOT NULL,
    trade_id        INTEGER NOT NULL,
    client_order_id TEXT NOT NULL,
    fill            TEXT NOT NULL,
    PRIMARY KEY (symbol, trade_id, client_order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX fills_of_order ON fills (client_order_id);
CREATE TABLE notes (
    job_id  TEXT NOT NULL,
    at_ns   INTEGER NOT NULL,
    state   TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;
CREATE INDEX notes_of_job ON notes (job_id, at_ns);
"""

# What one process asks of the job that another one runs.
_CONTROLS = """
CREATE TABLE controls (
    number     INTEGER PRIMARY KEY,
    job_id     TEXT NOT NULL,
    command    TEXT NOT NULL,
    argument   TEXT,
    at_ns      INTEGER NOT NULL,
    handled_ns INTEGER
) STRICT;
CREATE INDEX controls_of_job ON controls (job_id, handled_ns);
"""

# Why a control command was refused; NULL where it was taken.
_ANSWERS = """
ALTER TABLE controls ADD COLUMN refusal TEXT
"""

# Version n + 1 is MIGRATIONS[n] applied to version n; a new file gets them all.
MIGRATIONS = (_TABLES, _CONTROLS, _ANSWERS)
SCHEMA_VERSION = len(MIGRATIONS)
