-- Every instance remembers who is signed in, and carries streams for them: it must hear at once when that is over. The payload is a
-- hint, never data: whoever hears it looks the account's sessions up again.
CREATE FUNCTION sessions_tell_end() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM pg_notify('usage_access_changed', OLD.account_id::text);
    RETURN NULL;
END
$$;

CREATE FUNCTION accounts_tell_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM pg_notify('usage_access_changed', OLD.id::text);
    RETURN NULL;
END
$$;

CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION sessions_tell_end();
CREATE TRIGGER accounts_changed AFTER UPDATE ON accounts FOR EACH ROW
    WHEN ((OLD.role, OLD.user_id, OLD.is_disabled) IS DISTINCT FROM (NEW.role, NEW.user_id, NEW.is_disabled))
    EXECUTE FUNCTION accounts_tell_change();

-- What somebody did stays written, whoever asks for it to be changed.
CREATE FUNCTION audit_log_refuse_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RAISE 'audit_log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse_change();
