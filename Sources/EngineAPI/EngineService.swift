import Apply
import Engine
import HTTP
import JSONText

/// The API of one engine, whatever it is served on.
package struct EngineService: Sendable {
    let engine: HostEngine
    let stacks: StackEngine
    private let router: Router

    /// The API of an engine and its stacks.
    ///
    /// - Parameter recovery: what closes interrupted applies; requests about stacks wait for it.
    package init(engine: HostEngine, stacks: StackEngine, recovery: BackgroundWork.Handle) {
        self.engine = engine
        self.stacks = stacks
        var router = Router()
        SystemRoutes(engine: engine).add(to: &router)
        ContainerRoutes(engine: engine).add(to: &router)
        ContainerFileRoutes(engine: engine).add(to: &router)
        StreamRoutes(engine: engine).add(to: &router)
        ExecutionRoutes(engine: engine).add(to: &router)
        ImageArchiveRoutes(engine: engine).add(to: &router)
        StoreRoutes(engine: engine).add(to: &router)
        RegistryRoutes(engine: engine).add(to: &router)
        ImageRoutes(engine: engine).add(to: &router)
        ImageImportRoutes(engine: engine).add(to: &router)
        ImageMountRoutes(engine: engine).add(to: &router)
        NetworkRoutes(engine: engine).add(to: &router)
        VolumeRoutes(engine: engine).add(to: &router)
        VolumeCopyRoutes(engine: engine).add(to: &router)
        PruneRoutes(engine: engine).add(to: &router)
        AbsentRoutes().add(to: &router)
        StackRoutes(engine: engine, stacks: stacks, recovery: recovery).add(to: &router)
        self.router = router
    }

    /// Fields of every response.
    package static func commonHeaders(version: String) -> HTTPHeaders {
        [
            "Api-Version": "1.\(APIVersion.newest)", "Docker-Experimental": "false", "Ostype": "linux",
            "Server": "Docker/\(version) (linux)",
        ]
    }

    /// Answers one request.
    package func handle(_ request: HTTPRequest, _ responder: HTTPResponder) async throws {
        let (version, path) = try APIVersion.split(request.target.path)
        if request.method == "OPTIONS" { return try await responder.respond(200) }
        guard let (handler, variables) = router.match(request.method, path) else {
            throw EngineError(.notFound, "page not found")
        }
        try await handler(
            APIRequest(http: request, responder: responder, variables: variables, version: version))
    }
}
