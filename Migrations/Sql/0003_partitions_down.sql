-- One table again; rights on it are to be granted anew.
LOCK TABLE usage_logs IN ACCESS EXCLUSIVE MODE;
ALTER TABLE usage_logs RENAME TO usage_logs_partitioned;
CREATE TABLE usage_logs (LIKE usage_logs_partitioned INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS);
INSERT INTO usage_logs SELECT * FROM usage_logs_partitioned;
DROP TABLE usage_logs_partitioned;
DROP FUNCTION usage_logs_add_partition(timestamptz);
ALTER TABLE usage_logs ADD CONSTRAINT pk_usage_logs PRIMARY KEY (id);
ALTER TABLE usage_logs ADD CONSTRAINT fk_usage_logs_users_user_id FOREIGN KEY (user_id) REFERENCES users (id);
CREATE INDEX ix_usage_logs_user_id_created_at ON usage_logs (user_id, created_at);

CREATE TRIGGER usage_logs_inserted AFTER INSERT ON usage_logs
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION usage_logs_append_deltas();
CREATE TRIGGER usage_logs_updated AFTER UPDATE ON usage_logs
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION usage_logs_append_deltas();
CREATE TRIGGER usage_logs_deleted AFTER DELETE ON usage_logs
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION usage_logs_append_deltas();
CREATE TRIGGER usage_logs_truncated AFTER TRUNCATE ON usage_logs
    FOR EACH STATEMENT EXECUTE FUNCTION usage_request_rebuild();
