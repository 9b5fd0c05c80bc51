import Linux
import Synchronization

/// The files of a context on the disk, which are as they are for as long as somebody uses them.
final class ContextGeneration: Sendable {
    let path: String
    let root: SharedDescriptor
    let memo = DigestMemo()
    private struct State {
        var uses = 0
        var isReplaced = false
    }

    private let state = Mutex(State())
    private let known: Mutex<ContextIndex>

    init(path: String, root: SharedDescriptor, index: ContextIndex) {
        self.path = path
        self.root = root
        known = Mutex(index)
    }

    /// What is known of its files.
    var index: ContextIndex { known.withLock { $0 } }

    /// Takes down the digest of a content that nobody had read before.
    func setDigest(_ digest: [UInt8], at index: Int) { known.withLock { $0.setDigest(digest, at: index) } }

    /// The directory's own name.
    var name: String { String(path.split(separator: "/").last ?? "") }

    /// Whether anybody uses it, so that it must not be changed.
    var uses: Int { state.withLock { $0.uses } }

    fileprivate func begin() { state.withLock { $0.uses += 1 } }

    fileprivate func end() {
        let isOver = state.withLock { state in
            state.uses -= 1
            return state.uses == 0 && state.isReplaced
        }
        if isOver { remove() }
    }

    /// Says that another one has taken its place, so that it goes when nobody uses it.
    func replace() {
        let isOver = state.withLock { state in
            state.isReplaced = true
            return state.uses == 0
        }
        if isOver { remove() }
    }

    private func remove() {
        let path = path
        BlockingExecutor.shared.submit { try? Files.removeTree(path) }
    }
}

/// Keeps a generation as it is.
final class ContextUse: Sendable {
    let generation: ContextGeneration

    init(_ generation: ContextGeneration) {
        self.generation = generation
        generation.begin()
    }

    deinit { generation.end() }
}
