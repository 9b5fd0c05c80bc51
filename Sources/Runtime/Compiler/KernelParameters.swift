/// Which kernel parameters are a container's own.
package enum KernelParameters {
    private static let ipc: Set<String> = [
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax",
        "kernel.shmmni", "kernel.shm_rmid_forced",
    ]

    /// Why a parameter cannot be set in a container, in runc's words; nil where it can.
    ///
    /// - Parameter usesHostNetwork: whether the container has no network of its own.
    package static func refusal(
        of name: String, _ namespaces: NamespaceConfiguration, usesHostNetwork: Bool = false
    ) -> String? {
        let isPlain = name.utf8.allSatisfy { byte in
            byte == 0x2E || byte == 0x5F || byte == 0x2D || byte == 0x2F
                || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || (byte >= 0x30 && byte <= 0x39)
        }
        let dotted = name.contains("/") ? String(name.map { $0 == "/" ? "." : $0 }) : name
        guard isPlain, !name.contains("..") else { return "sysctl \"\(name)\" is not in a separate kernel namespace" }
        if ipc.contains(dotted) || dotted.hasPrefix("fs.mqueue.") {
            return namespaces.ipc == .host ? "sysctl \"\(name)\" is not allowed in the hosts ipc namespace" : nil
        }
        if dotted.hasPrefix("net.") {
            return usesHostNetwork ? "sysctl \"\(name)\" is not allowed in the hosts network namespace" : nil
        }
        if dotted == "kernel.domainname", !namespaces.usesHostNames { return nil }
        if dotted == "kernel.hostname", !namespaces.usesHostNames {
            return "sysctl \"\(name)\" is not allowed as it conflicts with the OCI \"hostname\" field"
        }
        return "sysctl \"\(name)\" is not in a separate kernel namespace"
    }
}
