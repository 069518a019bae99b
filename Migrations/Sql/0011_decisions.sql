-- What owners may change of the product's own rows, and nothing else of them: the site asks who is one before.
GRANT UPDATE (user_type) ON users TO usage_admin;
GRANT UPDATE (status) ON credit_purchases TO usage_admin;
GRANT DELETE ON usage_logs TO usage_admin;
CREATE POLICY usage_admin_update ON users FOR UPDATE TO usage_admin USING (true);
CREATE POLICY usage_admin_update ON credit_purchases FOR UPDATE TO usage_admin USING (true);
CREATE POLICY usage_admin_delete ON usage_logs FOR DELETE TO usage_admin USING (true);

-- Notes and decisions are added, never changed. A note goes with its user, which PostgreSQL does in the table owner's name.
SELECT usage_protect('user_notes'::regclass), usage_protect('decisions'::regclass);
GRANT SELECT, INSERT ON user_notes, decisions TO usage_admin;
CREATE POLICY usage_admin_select ON user_notes FOR SELECT TO usage_admin USING (true);
CREATE POLICY usage_admin_insert ON user_notes FOR INSERT TO usage_admin WITH CHECK (true);
CREATE POLICY usage_admin_select ON decisions FOR SELECT TO usage_admin USING (true);
CREATE POLICY usage_admin_insert ON decisions FOR INSERT TO usage_admin WITH CHECK (true);

-- Open pages of the user show it at once: an empty delta wakes them, as it does when the user is renamed.
CREATE FUNCTION user_notes_append_deltas() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    INSERT INTO public.usage_deltas (user_id) SELECT DISTINCT n.user_id FROM new_rows n;
    PERFORM public.usage_wake_rollup();
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION user_notes_append_deltas() FROM PUBLIC;

CREATE TRIGGER user_notes_inserted AFTER INSERT ON user_notes
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION user_notes_append_deltas();
