DROP TRIGGER embeds_changed ON embeds;
DROP FUNCTION embeds_tell_change();
