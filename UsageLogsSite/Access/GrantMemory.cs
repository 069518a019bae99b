using System.Collections.Concurrent;

namespace UsageLogsSite.Access;

/// <summary>
/// Who the cookies that came lately belong to. What was looked up before something was heard, and comes after it, is not kept: it may
/// be what was before.
/// </summary>
/// <param name="most">How many are kept; then it begins anew.</param>
internal sealed class VisitorMemory(int most = 50_000)
{
    private readonly ConcurrentDictionary<string, Visitor> _visitors = new(StringComparer.Ordinal);
    private readonly Dictionary<Guid, HashSet<string>> _cookies = [];
    private readonly Lock _gate = new();
    private long _age;
    private bool _isTrusted;

    /// <summary>Changes whenever something is forgotten; to be read before what is to be kept is looked up.</summary>
    internal long Age => Volatile.Read(ref _age);

    /// <summary>Whose cookie it is; null if that is not known.</summary>
    internal Visitor? Find(string cookie) => _visitors.GetValueOrDefault(cookie);

    /// <summary>Whether the visitor is kept: nothing was heard of the account since it was looked up.</summary>
    internal bool Has(Visitor visitor)
    {
        lock (_gate)
            return _cookies.TryGetValue(visitor.AccountId, out var cookies) && cookies.Any(cookie => ReferenceEquals(Find(cookie), visitor));
    }

    /// <summary>Keeps whose cookie it is, unless something was forgotten meanwhile.</summary>
    /// <param name="cookie">The cookie's value.</param>
    /// <param name="visitor">Whose it is.</param>
    /// <param name="age">The <see cref="Age"/> before that was looked up.</param>
    internal void Keep(string cookie, Visitor visitor, long age)
    {
        lock (_gate)
        {
            if (!_isTrusted || age != _age)
                return;
            if (_visitors.Count >= most)
                Clear();
            _visitors[cookie] = visitor;
            if (!_cookies.TryGetValue(visitor.AccountId, out var cookies))
                _cookies.Add(visitor.AccountId, cookies = []);
            cookies.Add(cookie);
        }
    }

    /// <summary>Forgets the visitors of an account.</summary>
    internal void Forget(Guid account)
    {
        lock (_gate)
        {
            _age++;
            if (!_cookies.Remove(account, out var cookies))
                return;
            foreach (var cookie in cookies)
                _visitors.TryRemove(cookie, out _);
        }
    }

    /// <summary>Forgets everybody.</summary>
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

    /// <summary>Forgets everybody, and goes on keeping if it did.</summary>
    internal void ForgetAll() => ForgetAll(_isTrusted);

    private void Clear()
    {
        _visitors.Clear();
        _cookies.Clear();
    }
}
