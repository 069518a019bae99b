using System.Security.Cryptography;

namespace UsageLogsSite.Hosting;

/// <summary>
/// What PostgreSQL keeps of a password (RFC 5802, section 3; RFC 7677). Computed here, a password is set without ever being in a
/// statement, and so in no log of the server.
/// </summary>
internal static class ScramVerifier
{
    /// <summary>As many as PostgreSQL takes itself; the passwords are random, so that more would protect nothing.</summary>
    private const int Iterations = 4096;

    private const int SaltBytes = 16;

    /// <summary>Makes a verifier with a salt of its own.</summary>
    /// <param name="password">ASCII only: other text would have to be prepared (RFC 4013) first.</param>
    internal static string Of(string password) => Of(password, RandomNumberGenerator.GetBytes(SaltBytes), Iterations);

    /// <summary>Makes the verifier that follows from salt and iterations.</summary>
    internal static string Of(string password, byte[] salt, int iterations)
    {
        var salted = Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA256, SHA256.HashSizeInBytes);
        var storedKey = SHA256.HashData(HMACSHA256.HashData(salted, "Client Key"u8));
        var serverKey = HMACSHA256.HashData(salted, "Server Key"u8);
        return $"SCRAM-SHA-256${iterations}:{Convert.ToBase64String(salt)}${Convert.ToBase64String(storedKey)}:{Convert.ToBase64String(serverKey)}";
    }
}
