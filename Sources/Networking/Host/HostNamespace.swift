import Linux

/// The network namespace that counts as the host: the daemon's own, or another one (tests build whole hosts out of
/// namespaces).
///
/// Sockets opened in `run` belong to it for ever; files below `/proc/sys/net` are its own during `run`.
struct HostNamespace: Sendable {
    /// nil: the daemon's own.
    let descriptor: SharedDescriptor?

    /// Runs `body` in the namespace.
    ///
    /// Blocks.
    func run<Value>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        guard let descriptor else { return try body() }
        return try HostNamespace.run(in: descriptor, body)
    }

    /// Runs `body` on a thread of its own in the namespace at `descriptor`.
    static func run<Value>(in descriptor: SharedDescriptor, _ body: @escaping @Sendable () throws -> Value) throws
        -> Value
    {
        let result = try Namespaces.withNetworkNamespace(descriptor.raw) {
            () throws(SystemError) -> Result<Value, any Error> in
            Result { try body() }
        }
        return try result.get()
    }
}
