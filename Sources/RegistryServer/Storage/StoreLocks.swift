import OCI
import Synchronization

/// One lock for every repository, and one for every content: stripes, so that there are few.
///
/// A repository's lock is taken first, a content's inside it, and never two of a kind.
final class StoreLocks: Sendable {
    private final class Stripe: Sendable {
        let lock = Mutex(())
    }

    private let repositories = (0..<64).map { _ in Stripe() }
    private let contents = (0..<64).map { _ in Stripe() }

    /// Runs a body that reads and changes a repository's names.
    func repository<Answer: Sendable, Failure: Error>(
        _ name: RepositoryName, _ body: () throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        try repositories[Self.index(name.description)].lock.withLock { _ throws(Failure) in try body() }
    }

    /// Runs a body that makes, names or removes the bytes of a digest.
    func content<Answer: Sendable, Failure: Error>(
        _ digest: Digest, _ body: () throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        try contents[Self.index(digest.hex)].lock.withLock { _ throws(Failure) in try body() }
    }

    /// Returns when everything that was under way under any lock is over.
    func barrier() {
        for stripe in repositories + contents { stripe.lock.withLock { _ in } }
    }

    private static func index(_ text: String) -> Int {
        var hash: UInt32 = 2_166_136_261
        for byte in text.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return Int(hash % 64)
    }
}

/// Digests that were given a name or relied on while garbage is collected: the collection leaves them alone, whatever
/// the clock says.
final class RecentNames: Sendable {
    private let digests = Mutex<Set<Digest>?>(nil)

    /// Notes digests; call it under the repository's lock, before they are relied on.
    func note(_ added: some Sequence<Digest>) {
        digests.withLock { $0?.formUnion(added) }
    }

    func contains(_ digest: Digest) -> Bool { digests.withLock { $0?.contains(digest) ?? false } }

    /// Begins to remember, and waits until everything that did not is over.
    func begin(_ locks: StoreLocks) {
        digests.withLock { $0 = [] }
        locks.barrier()
    }

    func end() { digests.withLock { $0 = nil } }
}
