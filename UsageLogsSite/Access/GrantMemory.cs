using System.Collections.Concurrent;

namespace UsageLogsSite.Access;

/// <summary>
/// The grants that the secrets (cookies, tokens) which came lately stand for. What was looked up before something was heard, and comes
/// after it, is not kept: it may be what was before.
/// </summary>
/// <typeparam name="TGrant">What a secret stands for: whose session it is, which widget.</typeparam>
/// <param name="groupOf">The id that changes of a grant are told by.</param>
/// <param name="most">How many are kept; then it begins anew.</param>
internal sealed class GrantMemory<TGrant>(Func<TGrant, Guid> groupOf, int most = 50_000)
    where TGrant : class
{
    private readonly ConcurrentDictionary<string, TGrant> _grants = new(StringComparer.Ordinal);
    private readonly Dictionary<Guid, HashSet<string>> _keys = [];
    private readonly Lock _gate = new();
    private long _age;
    private bool _isTrusted;

    /// <summary>Changes whenever something is forgotten; to be read before what is to be kept is looked up.</summary>
    internal long Age => Volatile.Read(ref _age);

    /// <summary>What a key stands for; null if that is not known.</summary>
    internal TGrant? Find(string key) => _grants.GetValueOrDefault(key);

    /// <summary>Whether the grant is kept: nothing was heard of its group since it was looked up.</summary>
    internal bool Has(TGrant grant)
    {
        lock (_gate)
            return _keys.TryGetValue(groupOf(grant), out var keys) && keys.Any(key => ReferenceEquals(Find(key), grant));
    }

    /// <summary>Keeps what a key stands for, unless something was forgotten meanwhile.</summary>
    /// <param name="key">The secret, or its hash.</param>
    /// <param name="grant">What it stands for.</param>
    /// <param name="age">The <see cref="Age"/> before that was looked up.</param>
    internal void Keep(string key, TGrant grant, long age)
    {
        lock (_gate)
        {
            if (!_isTrusted || age != _age)
                return;
            if (_grants.Count >= most)
                Clear();
            _grants[key] = grant;
            if (!_keys.TryGetValue(groupOf(grant), out var keys))
                _keys.Add(groupOf(grant), keys = []);
            keys.Add(key);
        }
    }

    /// <summary>Forgets the grants of a group.</summary>
    internal void Forget(Guid group)
    {
        lock (_gate)
        {
            _age++;
            if (!_keys.Remove(group, out var keys))
                return;
            foreach (var key in keys)
                _grants.TryRemove(key, out _);
        }
    }

    /// <summary>Forgets everything.</summary>
    /// <param name="isTrusted">Whether from now on it is told of changes; otherwise nothing is kept.</param>
    internal void ForgetAll(bool isTrusted)
    {
        lock (_gate)
        {
            _age++;
            _isTrusted = isTrusted;
            Clear();
        }
    }

    /// <summary>Forgets everything, and goes on keeping if it did.</summary>
    internal void ForgetAll() => ForgetAll(_isTrusted);

    private void Clear()
    {
        _grants.Clear();
        _keys.Clear();
    }
}
