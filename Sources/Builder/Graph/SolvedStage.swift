import Dockerfile
import Linux
import OCI

/// What a stage is after all of its steps, or an image as stages begin with it.
struct SolvedStage: Sendable {
    /// The root file system, lowest layer first.
    var layers: [Digest]
    var settings: ImageSettings
    /// The parameters of the base image, for what no instruction changes.
    var execution: ExecutionParameters
    var platform: Platform
    var history: [ImageConfig.History]
    /// What it began with.
    var base: ImageSettings
    /// The scope of its arguments; nil for an image.
    var evaluated: EvaluatedStage?
    /// The newest of what went in so far; nil where nothing has a time.
    var newest: Timestamp?
    /// Its steps and those of the stages it is built on.
    var steps: [BuiltStep] = []
    /// Images, files and repositories that went into it and into what it copies from.
    var materials: [BuildMaterial] = []

    /// `FROM scratch`.
    static func scratch(_ platform: Platform) -> SolvedStage {
        SolvedStage(
            layers: [], settings: ImageSettings(), execution: ExecutionParameters(), platform: platform, history: [])
    }

    /// An image.
    init(_ config: ImageConfig) {
        layers = config.diffIDs
        settings = ImageSettings(config.execution, author: config.author)
        base = settings
        execution = config.execution
        platform = config.platform
        history = config.history
        newest = config.created.flatMap { Timestamp(rfc3339: $0) }
        // A history that does not tell of every layer would take a new step for one of the others.
        let told = history.count { !$0.emptyLayer }
        for _ in 0..<max(0, layers.count - told) { history.append(ImageConfig.History()) }
    }

    private init(
        layers: [Digest], settings: ImageSettings, execution: ExecutionParameters, platform: Platform,
        history: [ImageConfig.History]
    ) {
        self.layers = layers
        self.settings = settings
        base = settings
        self.execution = execution
        self.platform = platform
        self.history = history
    }

    /// Takes what a step did.
    ///
    /// - Parameter explicit: the moment that all times are, where one was asked for.
    mutating func add(_ step: EvaluatedStep, _ result: StepResult?, epoch explicit: Timestamp?) {
        settings = step.settings
        if let layer = result?.layer { layers.append(layer) }
        if let time = result?.newest { newest = max(newest ?? time, time) }
        history.append(
            ImageConfig.History(
                created: (explicit ?? newest ?? .epoch).imageTime, createdBy: step.createdBy,
                comment: "buildkit.dockerfile.v0", emptyLayer: result?.layer == nil))
    }

    /// The configuration of an image of it.
    func config(labels: [String: String], epoch explicit: Timestamp?) -> ImageConfig {
        var parameters = settings.execution(on: execution)
        parameters.labels.merge(labels) { _, new in new }
        return ImageConfig(
            platform: platform, created: (explicit ?? newest ?? .epoch).imageTime, author: settings.author,
            execution: parameters, diffIDs: layers, history: history)
    }
}

/// What is known of a step that is done.
struct StepResult: Sendable, Hashable {
    /// What finds it in the cache.
    var key: String
    /// What it gave; nil where it changed no files.
    var layer: Digest?
    /// The newest time of a file that went in.
    var newest: Timestamp?
    /// When it was made first.
    var created: Timestamp
    /// Whether this build found it.
    var isCached = false
}

extension Timestamp {
    /// 1970: what images have that no moment belongs to.
    static let epoch = Timestamp(seconds: 0)

    /// As image configurations have it.
    var imageTime: String { nanoseconds == 0 ? rfc3339Seconds : rfc3339 }
}
