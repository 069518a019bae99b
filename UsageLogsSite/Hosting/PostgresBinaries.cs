using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace UsageLogsSite.Hosting;

/// <summary>The PostgreSQL server programs on this machine.</summary>
/// <param name="Directory">The folder that holds <c>initdb</c>, <c>pg_ctl</c> and <c>postgres</c>.</param>
/// <param name="Version">The server's major version.</param>
internal sealed partial record PostgresBinaries(string Directory, int Version)
{
    internal const int OldestVersion = 15;

    private static readonly string[] Programs = ["initdb", "pg_ctl", "postgres"];
    private static readonly string Suffix = OperatingSystem.IsWindows() ? ".exe" : "";

    /// <summary>The path of one program.</summary>
    internal string this[string program] => Path.Combine(Directory, program + Suffix);

    /// <summary>Finds the newest server: on the PATH, then where Debian, Red Hat, Homebrew and Windows put it.</summary>
    /// <exception cref="StartupException">There is none; the message says how to get one.</exception>
    internal static PostgresBinaries Find()
    {
        var found = Candidates()
            .Where(directory => Programs.All(p => File.Exists(Path.Combine(directory, p + Suffix))))
            .Select(directory => new PostgresBinaries(directory, VersionOf(directory)))
            .ToList();
        return found.Where(b => b.Version >= OldestVersion).MaxBy(b => b.Version)
            ?? throw new StartupException(found is [var old, ..]
                ? $"PostgreSQL {old.Version} in {old.Directory} is too old: version {OldestVersion} or newer is needed.\n{Advice}"
                : $"No PostgreSQL server was found on this machine, and ConnectionStrings:UsageLogs names none.\n{Advice}");
    }

    private static string Advice => $"""

          Install one:     {InstallCommand}
          or run one:      docker run -d --name usagelogs-db -e POSTGRES_PASSWORD=secret -p 5432:5432 postgres:17
          and connect it:  ConnectionStrings__UsageLogs="Host=localhost;Username=postgres;Password=secret;Database=usagelogs"
        """;

    private static string InstallCommand =>
        OperatingSystem.IsMacOS() ? "brew install postgresql@17"
        : OperatingSystem.IsWindows() ? "winget install PostgreSQL.PostgreSQL.17"
        : "sudo apt-get install postgresql    (Debian, Ubuntu)   or   sudo dnf install postgresql-server    (Fedora, RHEL)";

    private static IEnumerable<string> Candidates()
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return path
            .Concat(Below("/usr/lib/postgresql", "*", "bin"))
            .Concat(Below("/usr", "pgsql-*", "bin"))
            .Concat(Below("/opt/homebrew/opt", "postgresql@*", "bin"))
            .Concat(Below("/usr/local/opt", "postgresql@*", "bin"))
            .Concat(Below(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "PostgreSQL"), "*", "bin"));
    }

    private static IEnumerable<string> Below(string folder, string pattern, string child) =>
        System.IO.Directory.Exists(folder)
            ? System.IO.Directory.EnumerateDirectories(folder, pattern).Select(d => Path.Combine(d, child))
            : [];

    private static int VersionOf(string directory)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(directory, "postgres" + Suffix), "--version")
        {
            RedirectStandardOutput = true,
        })!;
        var major = MajorVersion().Match(process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        return major.Success ? int.Parse(major.Value, CultureInfo.InvariantCulture) : 0;
    }

    [GeneratedRegex(@"(?<= )\d+")]
    private static partial Regex MajorVersion();
}
