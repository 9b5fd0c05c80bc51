import JSONText

/// What Docker's `HostConfig` can ask for and this engine does not do.
///
/// Ignored, it would make a container that is not what was asked for.
extension ContainerSpecification {
    private static let others = ["Dns", "DnsOptions", "DnsSearch", "Links", "StorageOpt", "VolumesFrom"]

    /// Refuses what would be ignored of a `HostConfig`.
    static func refuseUnsupported(_ host: FieldReader) throws(EngineError) {
        try host.refuse(others)
        try host.refuse(["VolumeDriver"], accepting: ["local"])
    }
}
