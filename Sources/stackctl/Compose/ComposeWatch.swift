/// Takes in changes of files as `develop.watch` of services says.
struct ComposeWatch: Sendable {
    let session: ComposeSession
    let target: ComposeTarget
    /// The services that are watched.
    let services: [String]

    init(_ session: ComposeSession, _ target: ComposeTarget, _ services: [String]) {
        self.session = session
        self.target = target
        self.services = services
    }

    /// Watches until it is cancelled.
    func run() async throws {}
}
