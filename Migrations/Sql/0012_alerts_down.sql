DROP TRIGGER alert_rules_changed ON alert_rules;
DROP TRIGGER alerts_fired ON alerts;
DROP TRIGGER alert_deliveries_queued ON alert_deliveries;
DROP FUNCTION alerts_tell();
