import Diagnostics

extension ComposeProject {
    /// The project with only these services active, and what they depend on where `withDependencies`.
    ///
    /// A service that is named activates its profiles. Empty is all active services.
    ///
    /// - Throws: an unknown service with the nearest name; a dependency whose profile is not active.
    package func selecting(
        _ services: [String], withDependencies: Bool = true
    ) throws(DiagnosticList) -> ComposeProject {
        guard !services.isEmpty else { return self }
        throw DiagnosticList(Diagnostic(code: "SC2000", summary: "services cannot be selected yet"))
    }

    /// What a service must be started after: `depends_on`, `links`, `volumes_from` and shared namespaces, each once.
    package func dependencies(of service: String) -> [String] { [] }

    /// The services, each after what it depends on.
    package var startOrder: [String] { services.keys }
}
