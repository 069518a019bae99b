    WITH taken_rows AS (
        DELETE FROM {schema}.attach_{target} q
        WHERE q.error IS NULL AND q.seq IN (SELECT p.seq FROM {schema}.attach_{target} p WHERE p.error IS NULL ORDER BY p.seq LIMIT {limit})
        RETURNING q.key, q.op
    )
    SELECT array_agg(DISTINCT t.key) FILTER (WHERE t.op = 'I'), array_agg(DISTINCT t.key) FILTER (WHERE t.op = 'C'),
           coalesce(bool_or(t.op = 'T'), false), coalesce(bool_or(t.op = 'X'), false), count(*)
    INTO {target}_new, {target}_changed, {target}_swept, {target}_unknown, {target}_count FROM taken_rows t;
    IF {target}_unknown THEN
        RAISE 'The key % of % has become another column or type: nothing is copied until "attach --map" is run again.', {key_text}, {source_text};
    END IF;
    IF {target}_count > 0 THEN
        taken := taken + {target}_count;
        DELETE FROM {schema}.attach_{target} q WHERE q.error IS NOT NULL AND q.key = ANY ({target}_new || {target}_changed);
        IF {target}_swept THEN
            DELETE FROM {schema}.attach_{target} q WHERE q.error IS NOT NULL AND q.key IS NULL;
        END IF;
    END IF;

