import Linux
import Runtime

extension HostEngine {
    /// Changes what the next start uses.
    ///
    /// What runs is not touched.
    package func reconfigure(
        _ container: Container, _ body: @escaping @Sendable (inout ContainerSpecification) -> Void
    ) async throws {
        try await exclusively(container) {
            var specification = container.specification
            body(&specification)
            guard specification != container.specification else { return }
            let changed = specification
            container.change { $0.specification = changed }
            try await self.save(container)
        }
    }

    /// The limits the kernel has for a running container.
    package func kernelLimits(of container: Container) throws -> CgroupLimits {
        try cgroup(of: container).limits()
    }
}
