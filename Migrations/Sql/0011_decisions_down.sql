DROP TRIGGER user_notes_inserted ON user_notes;
DROP FUNCTION user_notes_append_deltas();
DROP POLICY usage_admin_update ON users;
DROP POLICY usage_admin_update ON credit_purchases;
DROP POLICY usage_admin_delete ON usage_logs;
REVOKE UPDATE (user_type) ON users FROM usage_admin;
REVOKE UPDATE (status) ON credit_purchases FROM usage_admin;
REVOKE DELETE ON usage_logs FROM usage_admin;
