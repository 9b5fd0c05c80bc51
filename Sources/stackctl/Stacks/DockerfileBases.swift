import Dockerfile
import JSONText
import Linux
import OCI
import StackModel

/// The base images of the Dockerfiles that a stack's images are built of, so that they are pinned as other images are.
enum DockerfileBases {
    private static let fileLimit = 16 << 20

    /// The document with `from.bases` of each Dockerfile that can be read here; of one that cannot, whoever builds it
    /// says why.
    ///
    /// Blocking.
    static func added(to document: StackDocument) -> StackDocument {
        var document = document
        for index in document.resources.indices {
            guard var origin = document.resources[index].attributes["from"]?.objectValue,
                let path = origin["dockerfile"]?.stringValue
            else { continue }
            let names = names(path, origin)
            guard !names.isEmpty else { continue }
            origin["bases"] = .object(JSONObject(names.sorted().map { ($0, .string($0)) }))
            document.resources[index].attributes["from"] = .object(origin)
        }
        return document
    }

    private static func names(_ path: String, _ origin: JSONObject) -> Set<String> {
        let input = EvaluationInput(
            arguments: origin["arguments"]?.objectValue?.strings ?? [:], targetPlatform: Platform.host.description,
            buildPlatform: Platform.host.description, target: origin["target"]?.stringValue)
        guard let text = try? Files.readAll(path, limit: fileLimit),
            let file = try? DockerfileDocument(reading: text, name: path), let plan = try? file.plan(input)
        else { return [] }
        var names: Set<String> = []
        for stage in plan.stages {
            if case .image(let name) = stage.base { names.insert(name) }
        }
        return names
    }
}
