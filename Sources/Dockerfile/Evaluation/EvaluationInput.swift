import Diagnostics

/// What an evaluation is told beside the document.
package struct EvaluationInput: Sendable, Hashable {
    /// `--build-arg`; nil is one that was named without a value the client has.
    package var arguments: [String: String]
    /// The platform the result is for, and the one it is built on: `linux/amd64`, `linux/arm/v7`.
    package var targetPlatform: String
    package var buildPlatform: String
    /// `--target`; nil is the last stage.
    package var target: String?
    /// The names of the contexts that were given beside the context.
    package var namedContexts: Set<String>

    package init(
        arguments: [String: String] = [:], targetPlatform: String = "linux/amd64",
        buildPlatform: String = "linux/amd64", target: String? = nil, namedContexts: Set<String> = []
    ) {
        self.arguments = arguments
        self.targetPlatform = targetPlatform
        self.buildPlatform = buildPlatform
        self.target = target
        self.namedContexts = namedContexts
    }
}

/// What a stage begins with.
package enum StageBase: Sendable, Hashable {
    /// `FROM scratch`.
    case scratch
    /// A stage before this one, by its number.
    case stage(Int)
    /// A named context that was given under this name.
    case context(String)
    /// An image by its reference.
    case image(String)
}

/// A stage before its base image is known.
package struct PlannedStage: Sendable, Hashable {
    /// Its place in the document, from 0.
    package var index: Int
    /// Its name, or its number where it has none: what progress and `--no-cache-filter` call it.
    package var name: String
    package var base: StageBase
    /// The platform of `--platform`, expanded; nil is the target's.
    package var platform: String?
    /// Stages whose files it copies or mounts, ONBUILD of base images apart.
    package var uses: Set<Int>

    package init(index: Int, name: String, base: StageBase, platform: String? = nil, uses: Set<Int> = []) {
        self.index = index
        self.name = name
        self.base = base
        self.platform = platform
        self.uses = uses
    }
}
