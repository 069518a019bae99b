-- Triggers go with their tables.
DROP FUNCTION sessions_tell_end() CASCADE;
DROP FUNCTION accounts_tell_change() CASCADE;
DROP FUNCTION audit_log_refuse_change() CASCADE;
