CREATE TABLE {schema}.attachments (
    target text NOT NULL CONSTRAINT pk_attachments PRIMARY KEY,
    source text NOT NULL,
    map jsonb NOT NULL,
    attached_at timestamptz NOT NULL DEFAULT now()
);
SELECT {schema}.usage_protect('{schema}.attachments'::regclass);

-- Whatever else would write our tables (a decision on the site, the ingest API, psql) is told where to write instead: a guard against
-- mistakes, not against those who may write.
CREATE FUNCTION {schema}.attach_refuse() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$attach$
BEGIN
    IF current_setting('usage.attach', true) IS DISTINCT FROM 'on' THEN
        RAISE '% is a copy of %: change it there.', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'UL001';
    END IF;
    RETURN NULL;
END
$attach$;
