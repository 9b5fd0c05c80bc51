import Linux

/// Reads a container's log in order, over rotations, and follows it while the container lives.
package actor LogReader {
    private let files: LogFiles
    private let path: String
    private let selection: LogSelection
    private let since: String?
    private let until: String?
    private var queue: [LogFiles.OpenFile] = []
    private var current: LogFiles.OpenFile?
    private var parser = LogParser()
    private var opened = false
    private var ended = false
    private static let blockSize = 256 * 1024
    /// Files that are kept open for a reader that is behind; of more, the oldest are let go unread, since what rotation
    /// removes takes room on the disk until then.
    private static let mostKept = 100

    /// A reader of the log at `path`.
    package init(path: String, selection: LogSelection) {
        files = LogFiles(path: path)
        self.path = path
        self.selection = selection
        since = selection.since?.rfc3339
        until = selection.until?.rfc3339
    }

    /// The next records that are there now; `nil` where the present end is reached.
    package func next() async throws -> [LogRecord]? {
        if ended { return nil }
        if !opened { try await open() }
        while let file = current {
            let bytes = try await BlockingExecutor.shared.run { [offset = file.offset] in
                try file.descriptor.pread(upTo: Self.blockSize, at: offset)
            }
            if bytes.isEmpty {
                guard try await advance() else { return nil }
                continue
            }
            current?.offset += Int64(bytes.count)
            let records = accepted(parser.records(bytes))
            if !records.isEmpty { return records }
            if ended { return nil }
        }
        return nil
    }

    private func open() async throws {
        let files = self.files
        let selection = self.selection
        queue = try await BlockingExecutor.shared.run {
            let all = try files.openAll()
            guard let tail = selection.tail else { return Array(all.reversed()) }
            return try files.tail(tail, of: all, selection: selection)
        }
        opened = !queue.isEmpty
        current = queue.isEmpty ? nil : queue.removeFirst()
    }

    /// Goes to the next file; false where the current one is the newest.
    private func advance() async throws -> Bool {
        if queue.isEmpty { try await keepUp() }
        guard let file = current, !queue.isEmpty else { return false }
        // What was written between our last read and the rotation is still to be read.
        let rest = try await BlockingExecutor.shared.run {
            try file.descriptor.status().size > file.offset
        }
        if rest { return true }
        parser.reset()
        current = queue.removeFirst()
        return true
    }

    /// Opens the files that have followed the newest one we know, before rotation removes them.
    private func keepUp() async throws {
        guard let newest = queue.last ?? current else { return }
        let files = self.files
        let successors = try await BlockingExecutor.shared.run { try files.successors(of: newest) }
        // Another may have been here meanwhile.
        guard (queue.last ?? current)?.identity == newest.identity else { return }
        queue += successors
        if queue.count > Self.mostKept { queue.removeFirst(queue.count - Self.mostKept) }
    }

    /// Files that are kept open until their turn comes.
    package var keptFiles: Int { queue.count }

    private func accepted(_ records: [LogRecord]) -> [LogRecord] {
        var result: [LogRecord] = []
        result.reserveCapacity(records.count)
        for record in records {
            // Both texts have nine digits and Z, so their order is the order of time.
            if let until, record.time >= until {
                ended = true
                break
            }
            if let since, record.time < since { continue }
            if selection.accepts(record.stream) { result.append(record) }
        }
        return result
    }

    /// Waits until there may be more to read.
    ///
    /// `finished` returns when nothing will be written any more.
    ///
    /// Gives every batch to `deliver`, in order, and returns at the end: of the log, or with `follow` of the
    /// container and then of the log.
    package nonisolated func run(
        finished: @escaping @Sendable () async -> Void, deliver: @escaping @Sendable ([LogRecord]) async throws -> Void
    ) async throws {
        guard selection.follow else {
            while let records = try await next() { try await deliver(records) }
            return
        }
        let (wakes, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let watcher = try FileWatcher(path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await finished()
                await self.finish()
                waker.yield()
            }
            group.addTask {
                while !Task.isCancelled {
                    try await watcher.changed()
                    waker.yield()
                    try await self.keepUp()
                }
            }
            defer { group.cancelAll() }
            while let records = try await next() { try await deliver(records) }
            for await _ in wakes {
                // Asked before reading: what was written before the end is then read after it.
                let isLast = await isFinished
                while let records = try await next() { try await deliver(records) }
                if await hasEnded || isLast { break }
            }
        }
    }

    private var hasEnded: Bool { ended }
    private var isFinished = false
    private func finish() { isFinished = true }
}
