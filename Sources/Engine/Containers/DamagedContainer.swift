import JSONText
import StateStore

/// A container whose row cannot be read: it is kept as it is until somebody has looked at it.
package struct DamagedContainer: Sendable, Hashable {
    /// Its id.
    package var id: String
    /// Its name.
    package var name: String
    /// Its image's id.
    package var imageID: String
    /// What is wrong.
    package var reason: String
    /// The volumes it mounts; `nil` where even that cannot be read.
    package var volumes: Set<String>?

    init(_ row: DamagedContainerRow) {
        id = row.id
        name = row.name
        imageID = row.image
        reason = row.reason
    }

    init(_ row: ContainerRow, reason: String) {
        id = row.id
        name = row.name
        imageID = row.image
        self.reason = reason
        guard let mounts = row.spec["HostConfig"]?["Mounts"]?.arrayValue else { return }
        volumes = Set(mounts.filter { $0["Type"] == "volume" }.compactMap { $0["Source"]?.stringValue })
    }

    /// Whether it may mount a volume.
    func mayUse(volume: String) -> Bool { volumes?.contains(volume) ?? true }

    /// What is said to who asks for it.
    var error: EngineError {
        EngineError(
            .failed,
            "container \(name) (\(id)) is damaged: its stored description cannot be read: \(reason). It was left as it is; repair its row in state.db and restart the daemon"
        )
    }
}
