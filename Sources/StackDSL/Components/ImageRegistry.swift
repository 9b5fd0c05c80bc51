/// A registry that images are pushed to and pulled from, kept in a volume of the stack.
///
///     let images = Volume("images", protect: true)
///     let registry = ImageRegistry("registry", port: 5000, data: images)
///     return Resources { registry }
///
/// With `cacheOf:` it is a pull-through cache of another registry. What `stackctl registry serve` is told by options,
/// it is told by `Env("STACKCTL_REGISTRY_…", …)` in the block; files such as a certificate are mounted there.
public struct ImageRegistry: Component {
    /// The container it runs in.
    public let container: Container

    /// A registry.
    ///
    /// - Parameters:
    ///   - name: the container's name.
    ///   - port: the port of the host it answers on.
    ///   - hostAddress: the address of the host it answers on; all of them when nil.
    ///   - data: where its images are.
    ///   - upstream: the registry it is a cache of, such as "https://registry-1.docker.io".
    ///   - settings: further settings of the container.
    public init(
        _ name: String, port: UInt16 = 5000, on hostAddress: String? = "127.0.0.1", data: Volume,
        cacheOf upstream: String? = nil, fileID: String = #fileID, line: Int = #line,
        @ContainerBuilder settings: () -> ContainerSettings = ContainerSettings.init
    ) {
        let image = Image("stackctl/\(name)", program: .stackctl, fileID: fileID, line: line)
        let own = Self.settings(port, hostAddress, data, upstream, fileID, line)
        let further = settings()
        container = Container(name, image: image, fileID: fileID, line: line) {
            own
            further
        }
    }

    /// What the component stands for in a stack's list.
    public var resources: Resources { Resources { container } }

    @ContainerBuilder
    private static func settings(
        _ port: UInt16, _ hostAddress: String?, _ data: Volume, _ upstream: String?, _ fileID: String, _ line: Int
    ) -> ContainerSettings {
        Command(
            ["registry", "serve", "--listen", "0.0.0.0:5000", "--root", "/var/lib/registry"], fileID: fileID, line: line
        )
        Publish(port, to: 5000, on: hostAddress, fileID: fileID, line: line)
        Mount(data, at: "/var/lib/registry", fileID: fileID, line: line)
        Healthcheck(.http("/healthz", port: 5000), every: .seconds(10), retries: 3, fileID: fileID, line: line)
        Restart(.unlessStopped, fileID: fileID, line: line)
        ReadOnlyRoot(fileID: fileID, line: line)
        if let upstream { Env("STACKCTL_REGISTRY_PROXY", upstream, fileID: fileID, line: line) }
    }
}
