-- Only those who see everything may know which widgets there are.
SELECT usage_protect('embeds'::regclass);
GRANT SELECT, INSERT, UPDATE, DELETE ON embeds TO usage_admin;
CREATE POLICY usage_admin_all ON embeds TO usage_admin USING (true);

-- Streams that are open for a widget end with it: every instance must hear at once. The payload is a hint, as those of 0007 are.
CREATE FUNCTION embeds_tell_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM pg_notify('usage_access_changed', OLD.id::text);
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION embeds_tell_change() FROM PUBLIC;

CREATE TRIGGER embeds_changed AFTER UPDATE OR DELETE ON embeds FOR EACH ROW EXECUTE FUNCTION embeds_tell_change();
