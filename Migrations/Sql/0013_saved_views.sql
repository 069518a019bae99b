-- One role serves all accounts; whose views there are is set for a transaction at a time, as a member's identity is: without it, none.
SELECT usage_protect('saved_views'::regclass);
GRANT SELECT, INSERT, UPDATE, DELETE ON saved_views TO usage_admin;
CREATE POLICY usage_admin_all ON saved_views TO usage_admin
    USING (account_id = (SELECT nullif(current_setting('usage.account_id', true), '')::uuid));
