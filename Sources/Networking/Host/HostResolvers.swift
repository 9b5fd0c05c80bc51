import Linux

/// The host's `resolv.conf`.
package enum HostResolvers {
    /// Its text; where it names systemd-resolved's stub alone, the one that names the resolvers behind it.
    ///
    /// Blocks.
    package static func text() -> String {
        let text = (try? Files.readText("/etc/resolv.conf", limit: 65_536)) ?? ""
        guard ContainerFiles.resolvers(inResolvConf: text) == ["127.0.0.53"] else { return text }
        return (try? Files.readText("/run/systemd/resolve/resolv.conf", limit: 65_536)) ?? text
    }
}
