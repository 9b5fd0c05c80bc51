import Builder
import Dockerfile
import Linux
import OCI

extension ClassicScript {
    /// The steps of a build whose Dockerfile is in its context.
    ///
    /// Empty where it cannot be read: the build says why.
    static func read(for request: BuildRequest) async -> ClassicScript {
        guard case .inContext(let path) = request.instructions, let root = request.context?.root else {
            return ClassicScript([])
        }
        let platform = request.platforms.first ?? Platform.host
        var input = EvaluationInput(
            arguments: request.arguments, targetPlatform: platform.description,
            buildPlatform: Platform.host.description, target: request.target)
        input.namedContexts = Set(request.namedContexts.keys)
        let evaluation = input
        return await BlockingExecutor.shared.run {
            guard let file = try? Files.openInRoot(root.raw, path, [.readOnly, .nonBlocking]),
                let bytes = try? file.readAll(limit: longest),
                let document = try? DockerfileDocument(reading: bytes, name: path),
                let plan = try? document.plan(evaluation)
            else { return ClassicScript([]) }
            return ClassicScript(document, stages: plan.stages.map(\.index))
        }
    }

    /// Bytes of a Dockerfile.
    private static var longest: Int { 16 << 20 }
}
