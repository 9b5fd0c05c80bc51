import Synchronization

/// Tells when something changes in one of many directories (`inotify`): files made, written, renamed, removed.
///
/// It does not say what: whoever waits looks. Directories are watched one by one, not what is below them.
package final class TreeWatcher: Sendable {
    private let changes: AsyncStream<DirectoryWatches.Finding>
    private let teller: AsyncStream<DirectoryWatches.Finding>.Continuation
    private let tokens = Mutex<[String: (inode: UInt64, token: DirectoryWatches.Token)]>([:])

    /// A watcher of no directory.
    package init() {
        (changes, teller) = AsyncStream.makeStream(
            of: DirectoryWatches.Finding.self, bufferingPolicy: .bufferingNewest(1))
    }

    deinit { close() }

    /// Watches just these directories from now on, each with the inode it was found with.
    ///
    /// One that is gone meanwhile, or that the user may not read, is left out. Throws `ENOSPC` where the user has no more watches
    /// (`fs.inotify.max_user_watches`).
    package func watch(_ directories: [String: UInt64]) throws(SystemError) {
        try tokens.withLock { tokens throws(SystemError) in
            for (path, held) in tokens where directories[path] != held.inode {
                DirectoryWatches.shared.remove(held.token)
                tokens[path] = nil
            }
            for (path, inode) in directories where tokens[path] == nil {
                do throws(SystemError) {
                    let token = try DirectoryWatches.shared.add(path, name: nil, teller, endsWhenGone: false)
                    tokens[path] = (inode, token)
                } catch let error where [.ENOENT, .ENOTDIR, .EACCES].contains(error.errno) {
                    continue
                }
            }
        }
    }

    /// Waits until something has changed since the last call.
    ///
    /// Throws `EBADF` after `close`.
    package func changed() async throws {
        for await _ in changes { return }
        try Task.checkCancellation()
        throw SystemError(call: "inotify", errno: .EBADF)
    }

    /// Stops watching.
    package func close() {
        teller.finish()
        let held = tokens.withLock { tokens in
            defer { tokens = [:] }
            return tokens.values.map(\.token)
        }
        for token in held { DirectoryWatches.shared.remove(token) }
    }
}
