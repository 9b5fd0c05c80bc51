import Dockerfile
import OCI
import Synchronization

/// Digests of what is copied from a tree that does not change, so that it is walked once.
final class DigestMemo: Sendable {
    /// Everything the digest depends on but the files.
    struct Key: Hashable {
        var transfer: EvaluatedTransfer?
        var owner: FileOwner?
        /// The working directory, or the path of a mount.
        var path: String
        var ignored: [String]
    }

    private let known = Mutex<[Key: String]>([:])

    func digest(_ key: Key) -> String? { known.withLock { $0[key] } }

    func set(_ digest: String, for key: Key) {
        known.withLock { known in
            // A tree that serves so many instructions is asked for others now.
            if known.count >= 1000 { known = [:] }
            known[key] = digest
        }
    }
}

/// The memos of stacks of layers, which never change.
final class LayerMemos: Sendable {
    private let memos = Mutex<[[Digest]: DigestMemo]>([:])

    subscript(layers: [Digest]) -> DigestMemo {
        memos.withLock { memos in
            if let memo = memos[layers] { return memo }
            if memos.count >= 200 { memos = [:] }
            let memo = DigestMemo()
            memos[layers] = memo
            return memo
        }
    }
}
