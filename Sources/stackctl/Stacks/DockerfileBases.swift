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
    /// Images of compose projects have what the store has under the name.
    ///
    /// Blocking.
    static func added(to document: StackDocument) -> StackDocument {
        var document = document
        for index in document.resources.indices {
            guard var origin = document.resources[index].attributes["from"]?.objectValue,
                origin["labels"]?["com.docker.compose.project"] == nil, let text = text(origin)
            else { continue }
            let names = names(text, origin)
            guard !names.isEmpty else { continue }
            origin["bases"] = .object(JSONObject(names.sorted().map { ($0, .string($0)) }))
            document.resources[index].attributes["from"] = .object(origin)
        }
        return document
    }

    /// The Dockerfile's text; nil where there is none, or it cannot be read.
    private static func text(_ origin: JSONObject) -> [UInt8]? {
        if let text = origin["dockerfileText"]?.stringValue { return Array(text.utf8) }
        return origin["dockerfile"]?.stringValue.flatMap { try? Files.readAll($0, limit: fileLimit) }
    }

    private static func names(_ text: [UInt8], _ origin: JSONObject) -> Set<String> {
        let contexts = origin["contexts"]?.objectValue ?? JSONObject()
        let input = EvaluationInput(
            arguments: origin["arguments"]?.objectValue?.strings ?? [:], targetPlatform: Platform.host.description,
            buildPlatform: Platform.host.description, target: origin["target"]?.stringValue,
            namedContexts: Set(contexts.keys))
        guard let file = try? DockerfileDocument(reading: text, name: "Dockerfile"), let plan = try? file.plan(input)
        else { return [] }
        var names: Set<String> = []
        for stage in plan.stages {
            if case .image(let name) = stage.base { names.insert(name) }
        }
        for value in contexts.values.compactMap(\.stringValue) where value.hasPrefix("docker-image://") {
            names.insert(String(value.dropFirst("docker-image://".count)))
        }
        return names
    }
}
