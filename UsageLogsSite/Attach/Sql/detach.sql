-- With its functions go the triggers that call them, on the product's tables and on ours.
DO $attach$
DECLARE
    made text;
BEGIN
    FOR made IN
        SELECT p.oid::regprocedure FROM pg_catalog.pg_proc p WHERE {functions}
    LOOP
        EXECUTE 'DROP FUNCTION ' || made || ' CASCADE';
    END LOOP;
    FOR made IN
        SELECT c.oid::regclass FROM pg_catalog.pg_class c WHERE {tables}
    LOOP
        EXECUTE 'DROP TABLE ' || made;
    END LOOP;
END
$attach$;
