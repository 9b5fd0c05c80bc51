import Linux

extension HostEngine {
    /// Waits, at most two seconds, until of these containers every end that the kernel knows of is known here too.
    ///
    /// A supervisor puts a status on the disk before it tells of it. Who looked meanwhile would still see a process that
    /// is no more.
    package func hearEnds(of containers: [Container]) async {
        for _ in 0..<200 {
            let running = containers.map(\.state).filter { $0.phase == .running }.map(\.pid).filter { $0 > 0 }
            let isBehind = await BlockingExecutor.shared.run {
                running.contains { (try? ProcessHandle.open($0).isAlive) != true }
            }
            if !isBehind { return }
            try? await EventLoop.shared.sleep(for: .milliseconds(10))
        }
    }
}
