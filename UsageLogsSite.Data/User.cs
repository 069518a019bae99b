namespace UsageLogsSite.Data;

/// <summary>A person or system that uses the operator's AI product.</summary>
public sealed class User
{
    /// <summary>The user's id; the database makes one when none is given.</summary>
    public Guid Id { get; set; }

    /// <summary>The e-mail address, unique without regard to case.</summary>
    public required string Email { get; set; }

    /// <summary>The name shown in lists; may be empty.</summary>
    public string Name { get; set; } = "";

    /// <summary>Whether the user is staff or a customer.</summary>
    public UserType UserType { get; set; }

    /// <summary>Name and address in lower case, a line each: what searches look through. Kept by the database.</summary>
    public string SearchText { get; private set; } = "";

    /// <summary>When the user was created, in UTC.</summary>
    public DateTime CreatedAt { get; set; }

    /// <summary>Another number after each change of the row: PostgreSQL's <c>xmin</c>.</summary>
    public uint Version { get; private set; }
}
