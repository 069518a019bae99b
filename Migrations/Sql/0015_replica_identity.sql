-- A delta has no key: in a database with a publication FOR ALL TABLES the fold could not delete it. It costs nothing below wal_level = logical.
ALTER TABLE usage_deltas REPLICA IDENTITY FULL;
