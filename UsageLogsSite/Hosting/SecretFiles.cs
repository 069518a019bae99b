using Microsoft.Extensions.Configuration.KeyPerFile;
using Microsoft.Extensions.FileProviders;

namespace UsageLogsSite.Hosting;

/// <summary>Settings that are secrets, a file each, as containers and systemd hand them over: <c>ConnectionStrings__UsageLogs</c> holds that one.</summary>
internal static class SecretFiles
{
    /// <summary>Where Docker and Podman put secrets.</summary>
    private const string OfContainer = "/run/secrets";

    /// <summary>Where systemd says it has put them (<c>LoadCredential=</c>).</summary>
    private const string OfSystemd = "CREDENTIALS_DIRECTORY";

    /// <summary>Adds the directories that there are, below all other settings: what is given elsewhere wins.</summary>
    internal static void AddSecretFiles(this ConfigurationManager configuration)
    {
        foreach (var directory in new[] { OfContainer, Environment.GetEnvironmentVariable(OfSystemd) })
        {
            if (Directory.Exists(directory))
                configuration.Sources.Insert(0, new KeyPerFileConfigurationSource { FileProvider = new PhysicalFileProvider(directory), ReloadOnChange = false });
        }
    }
}
