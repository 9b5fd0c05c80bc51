import Engine
import HTTP
import JSONText

/// `POST /store/verify`: looks for damage of the image store, and repairs it.
struct StoreRoutes: Sendable {
    let engine: HostEngine

    func add(to router: inout Router) {
        router.on("POST", "/store/verify") { request in
            let access = request.registryLogins
            let answer = try await engine.verifyImages(repairing: request.flag("repair"), access: access)
            try await request.respond(.object(answer))
        }
    }
}
