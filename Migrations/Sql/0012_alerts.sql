-- Rules hold secrets of webhooks, though encrypted; alerts are about any user: only those who see everything may read them.
SELECT usage_protect('alert_rules'::regclass), usage_protect('alerts'::regclass), usage_protect('alert_deliveries'::regclass);
GRANT SELECT, INSERT, UPDATE, DELETE ON alert_rules, alerts, alert_deliveries TO usage_admin;
CREATE POLICY usage_admin_all ON alert_rules TO usage_admin USING (true);
CREATE POLICY usage_admin_all ON alerts TO usage_admin USING (true);
CREATE POLICY usage_admin_all ON alert_deliveries TO usage_admin USING (true);

-- Rules are made on any instance and looked after on the elected one; what it finds is shown on all. The payload is a hint, as those
-- of 0007 are. A statement that touches no row tells nothing: the elected instance's own, nearly all of the time.
CREATE FUNCTION alerts_tell() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM pg_notify('usage_alerts', TG_ARGV[0]);
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION alerts_tell() FROM PUBLIC;

CREATE TRIGGER alert_rules_changed AFTER INSERT OR UPDATE OR DELETE ON alert_rules FOR EACH ROW EXECUTE FUNCTION alerts_tell('rules');
CREATE TRIGGER alerts_fired AFTER INSERT ON alerts FOR EACH ROW WHEN (NOT NEW.is_known) EXECUTE FUNCTION alerts_tell('fired');
CREATE TRIGGER alert_deliveries_queued AFTER INSERT ON alert_deliveries FOR EACH ROW EXECUTE FUNCTION alerts_tell('queued');
