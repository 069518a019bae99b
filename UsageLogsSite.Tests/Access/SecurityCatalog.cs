using UsageLogsSite.Tests.Support;

namespace UsageLogsSite.Tests.Access;

/// <summary>Reads from PostgreSQL's catalog what would let somebody see what is not theirs.</summary>
internal static class SecurityCatalog
{
    /// <summary>Every table but the list of migrations, which has nobody's data; partitions too.</summary>
    private const string Tables = """
        tables AS (
            SELECT c.* FROM pg_class c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> '__EFMigrationsHistory'
        ), rights AS (
            SELECT t.oid, t.relname, a.grantee, a.privilege_type, a.is_grantable FROM tables t, aclexplode(coalesce(t.relacl, acldefault('r', t.relowner))) a
            UNION
            SELECT t.oid, t.relname, a.grantee, a.privilege_type, a.is_grantable FROM tables t JOIN pg_attribute c ON c.attrelid = t.oid, aclexplode(c.attacl) a
        ), functions AS (
            SELECT p.* FROM pg_proc p
            WHERE p.pronamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
        )
        """;

    private const string Problems = $"""
        WITH {Tables}
        SELECT relname || ': row-level security is off' FROM tables WHERE NOT relrowsecurity
        UNION ALL
        SELECT relname || ': row-level security is not forced' FROM tables WHERE NOT relforcerowsecurity
        UNION ALL
        SELECT format('%s: everybody may %s', relname, privilege_type) FROM rights WHERE grantee = 0
        UNION ALL
        SELECT format('%s: %s may %s, and no policy is theirs', r.relname, r.grantee::regrole, r.privilege_type) FROM rights r
        WHERE r.grantee <> 0 AND r.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE') AND NOT EXISTS (
            SELECT FROM pg_policy p WHERE p.polrelid = r.oid AND r.grantee = ANY (p.polroles)
            AND p.polcmd IN ('*', CASE r.privilege_type WHEN 'SELECT' THEN 'r' WHEN 'INSERT' THEN 'a' WHEN 'UPDATE' THEN 'w' ELSE 'd' END))
        UNION ALL
        SELECT format('%s: %s may %s, past every policy', r.relname, r.grantee::regrole, r.privilege_type) FROM rights r
        WHERE r.privilege_type NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE') AND r.grantee <> (SELECT relowner FROM tables t WHERE t.oid = r.oid)
        UNION ALL
        SELECT format('%s: %s may grant %s', r.relname, r.grantee::regrole, r.privilege_type) FROM rights r
        WHERE r.is_grantable AND r.grantee <> (SELECT relowner FROM tables t WHERE t.oid = r.oid)
        UNION ALL
        SELECT format('%s: policy %s is for everybody', t.relname, p.polname) FROM pg_policy p JOIN tables t ON t.oid = p.polrelid WHERE 0 = ANY (p.polroles)
        UNION ALL
        SELECT format('%s: policy %s shows a member more than their own rows', t.relname, p.polname) FROM pg_policy p JOIN tables t ON t.oid = p.polrelid
        WHERE 'usage_member'::regrole = ANY (p.polroles) AND (p.polcmd <> 'r' OR NOT p.polpermissive OR pg_get_expr(p.polqual, p.polrelid) !~
            '^\(?{CatalogPatterns.OwnRows}\)?$')
        UNION ALL
        SELECT c.relname || ': a view that reads with its owner''s rights' FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v' AND NOT coalesce(c.reloptions && ARRAY['security_invoker=true', 'security_invoker=on'], false)
        UNION ALL
        SELECT c.relname || ': a materialized view has no row-level security' FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'm'
        UNION ALL
        SELECT proname || ': runs with its owner''s rights under any search path' FROM functions
        WHERE prosecdef AND NOT EXISTS (SELECT FROM unnest(proconfig) s WHERE s = 'search_path=pg_catalog, pg_temp')
        UNION ALL
        SELECT f.proname || ': everybody may call it' FROM functions f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a WHERE a.grantee = 0
        UNION ALL
        SELECT c.relname || ': everybody may use the sequence' FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S' AND a.grantee = 0
        UNION ALL
        SELECT 'public: everybody may make things in it' FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE'
        UNION ALL
        SELECT rolname || ': could lift row-level security' FROM pg_roles
        WHERE rolname ~ '^usage_(admin|member|rollup|writer|ingest)' AND (rolsuper OR rolbypassrls OR rolcreaterole)
        ORDER BY 1
        """;

    private const string Rights = $"""
        WITH {Tables}
        SELECT format('%s %s: %s', r.grantee::regrole, r.relname, string_agg(r.privilege_type, ' ' ORDER BY r.privilege_type)) FROM rights r
        WHERE r.grantee::regrole::text LIKE 'usage\_%' GROUP BY r.grantee, r.relname ORDER BY 1
        """;

    /// <summary>What is wrong, in words; nothing if all is well.</summary>
    internal static Task<List<string>> ProblemsAsync(PostgresDatabase database) => database.RowsAsync(Problems);

    /// <summary>What the site's roles may do with tables.</summary>
    internal static Task<List<string>> RightsAsync(PostgresDatabase database) => database.RowsAsync(Rights);
}

/// <summary>Regular expressions for what PostgreSQL prints.</summary>
internal static class CatalogPatterns
{
    /// <summary>A column that is compared with the identity of the transaction.</summary>
    internal const string OwnRows =
        @"(user_id|id) = \( SELECT \(NULLIF\(current_setting\(''usage.user_id''::text, true\), ''''::text\)\)::uuid AS ""nullif""\)";
}
