import Linux
import Networking
import Runtime
import StateStore

extension HostEngine {
    /// Mounts of an earlier daemon that was killed while it filled a volume.
    func removeLeftoverMounts() async {
        let directory = configuration.runDirectory
        await BlockingExecutor.shared.run {
            for entry in (try? Files.list(directory)) ?? [] where entry.name.hasPrefix("fill-") {
                let path = "\(directory)/\(entry.name)"
                _ = try? Mounts.unmountIfMounted(path, [.detach])
                try? Files.removeDirectory(path)
            }
        }
    }

    /// Directories and endpoints without a container: creations a crash cut in half.
    ///
    /// A directory whose container ran is no such thing, but one whose row was lost: it is left.
    ///
    /// - Returns: what was done, and the ids of what was left.
    func removeStrays() async -> (notes: [String], kept: Set<String>) {
        var notes: [String] = []
        var kept = Set<String>()
        let directory = "\(configuration.root)/containers"
        let entries = (try? await BlockingExecutor.shared.run { try Files.list(directory) }) ?? []
        for entry in entries where !isKnown(entry.name) {
            let path = "\(directory)/\(entry.name)"
            if await BlockingExecutor.shared.run({ Self.everRan(path) }) {
                kept.insert(entry.name)
                notes.append("\(path) belongs to a container the database does not know; it is left as it is")
                continue
            }
            do {
                try await runtime.delete(directory: path, cgroupPath: "stackctl/\(entry.name)")
                notes.append("removed what was left of container \(entry.name.prefix(12))")
            } catch {
                notes.append("cannot remove what is left of container \(entry.name.prefix(12)): \(error)")
            }
        }
        let database = self.database
        let endpoints = (try? await BlockingExecutor.shared.run { try database.read { try $0.endpoints() } }) ?? []
        for id in Set(endpoints.map(\.container)) where !isKnown(id) && !kept.contains(id) {
            try? await networks.releaseEndpoints(containerID: id)
            notes.append("released addresses of container \(id.prefix(12)), which is gone")
        }
        for name in (try? await volumes.strays()) ?? [] {
            notes.append(
                "\(configuration.volumesDirectory)/\(name) belongs to a volume the database does not know; it is left as it is"
            )
        }
        return (notes, kept)
    }

    private func isKnown(_ id: String) -> Bool { containers.container(id: id) != nil || containers.isDamaged(id) }

    /// A supervisor's lock or status is there from its first moment on.
    private static func everRan(_ directory: String) -> Bool {
        ["status", "lock", "control.sock"].contains { Files.exists("\(directory)/\($0)") }
    }

    /// Brings creations and removals to their end that an earlier daemon began, and removes what was to go with its
    /// run.
    func finishChanges(_ candidates: [Container]) async -> [String] {
        var notes: [String] = []
        for container in candidates {
            let facts = container.snapshot
            do {
                if facts.state.phase == .removing {
                    try await container.queue.run { try await self.dispose(container, volumes: false) }
                    notes.append("finished the removal of container \(facts.name)")
                } else if !facts.state.isMade {
                    try await container.queue.run { try await self.complete(container) }
                    notes.append("finished the creation of container \(facts.name)")
                } else if facts.specification.autoRemove, facts.state.startedAt != nil {
                    try await remove(container, force: true, volumes: true)
                    notes.append("removed container \(facts.name), which ended and is not to be kept")
                }
            } catch {
                notes.append("container \(facts.name) was left half-way by an earlier daemon: \(error)")
            }
        }
        return notes
    }
}
