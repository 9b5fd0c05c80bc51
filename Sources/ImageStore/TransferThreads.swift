import Linux

extension BlockingExecutor {
    /// Threads for transfers, which may wait long for a peer.
    ///
    /// They are kept apart, so that registries that do not answer never keep the disk's work from its turn.
    package static let transfers = BlockingExecutor(limit: 32)
}
