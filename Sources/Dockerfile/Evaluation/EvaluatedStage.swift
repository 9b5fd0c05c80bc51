/// What the steps of a stage are once all variables have their values.
package struct EvaluatedStage: Sendable, Hashable {
    /// The steps in their order, ONBUILD of the base first.
    package var steps: [EvaluatedStep]
    /// What the image's configuration becomes.
    package var settings: ImageSettings
    /// What stages made of this one inherit.
    package var scope: StageScope

    package init(steps: [EvaluatedStep], settings: ImageSettings, scope: StageScope = StageScope()) {
        self.steps = steps
        self.settings = settings
        self.scope = scope
    }

    /// The stages whose files its steps copy or mount, ONBUILD of the base included.
    package var uses: Set<Int> {
        var uses: Set<Int> = []
        for step in steps {
            switch step.action {
            case .transfer(let transfer): if case .stage(let index) = transfer.from { uses.insert(index) }
            case .run(let run):
                for mount in run.mounts { if case .stage(let index) = mount.from { uses.insert(index) } }
            default: continue
            }
        }
        return uses
    }
}

/// The variables of a stage.
package struct StageScope: Sendable, Hashable {
    /// ENV and the arguments that have values.
    var variables = VariableScope()
    /// ARG in its order, once each.
    private(set) var arguments: [Instruction.Assignment] = []
    private var places: [String: Int] = [:]
    /// Whether WORKDIR was said in this Dockerfile.
    var hasWorkingDirectory = false
    /// Whether the variables of the base image are not known, so that none can be said to be undefined.
    var isPartial = false

    package init() {}

    func isDeclared(_ name: String) -> Bool { places[name] != nil }

    mutating func declare(_ name: String, _ value: String?) {
        if let place = places[name] {
            arguments[place].value = value
        } else {
            places[name] = arguments.count
            arguments.append(Instruction.Assignment(name: name, value: value))
        }
    }
}

/// One step.
package struct EvaluatedStep: Sendable, Hashable {
    /// What it does to files; nil where it only changes the configuration.
    package var action: Action?
    /// The configuration after it.
    package var settings: ImageSettings
    /// What progress shows: the instruction with its values, such as `RUN make -j4`.
    package var title: String
    /// The history's `created_by`, in BuildKit's words: `RUN |1 VERSION=2 /bin/sh -c make # buildkit`.
    package var createdBy: String
    /// Where it is; nil for what a base image's ONBUILD asks for.
    package var span: SourceSpan?

    package init(action: Action?, settings: ImageSettings, title: String, createdBy: String, span: SourceSpan?) {
        self.action = action
        self.settings = settings
        self.title = title
        self.createdBy = createdBy
        self.span = span
    }

    /// What changes files.
    package enum Action: Sendable, Hashable {
        case run(EvaluatedRun)
        case transfer(EvaluatedTransfer)
        /// Makes the working directory, which `settings` has already.
        case makeWorkingDirectory
    }
}

/// RUN with its values.
package struct EvaluatedRun: Sendable, Hashable {
    /// The program and its arguments, SHELL put in front of a shell form.
    ///
    /// For a heredoc alone whose first line is `#!`, the path of the script (`scriptPath`).
    package var arguments: [String]
    /// A heredoc that is run by its own first line, as a file of mode 0755 at `EvaluatedRun.scriptPath`; else nil.
    package var script: String?
    /// ENV and the arguments in effect, `NAME=value`: what the process gets and the cache key has.
    package var environment: [String]
    /// Predefined arguments such as HTTP_PROXY that were given: what the process gets and no key nor history has.
    package var hiddenEnvironment: [String]
    /// What is mounted for it.
    package var mounts: [EvaluatedMount]
    /// `--network`.
    package var network: Network?
    /// Whether `--security=insecure` is asked for.
    package var isInsecure: Bool
    /// `--device`.
    package var devices: [String]

    /// Where a script of its own is mounted.
    package static let scriptPath = "/dev/pipes/EOF"

    /// The network of a RUN.
    package enum Network: String, Sendable, Hashable, CaseIterable {
        case standard = "default"
        case none
        case host
    }

    package init(arguments: [String]) {
        self.arguments = arguments
        script = nil
        environment = []
        hiddenEnvironment = []
        mounts = []
        network = nil
        isInsecure = false
        devices = []
    }
}

/// `RUN --mount=…` with its values.
package struct EvaluatedMount: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable { case bind, cache, tmpfs, secret, ssh }
    /// Who may use a cache at the same time.
    package enum Sharing: String, Sendable, Hashable, CaseIterable { case shared, `private`, locked }

    package var kind: Kind
    /// Where it is; empty for a secret without one, that is an environment variable.
    package var target: String
    /// `from`: a stage, an image, a named context; nil is the context, and nothing for a cache.
    package var from: FileOrigin?
    /// The path in `from`, `/` where none is given.
    package var source: String
    package var isReadOnly: Bool
    /// Of a cache, a secret, an agent.
    package var id: String
    /// The variable a secret is given in.
    package var environmentName: String?
    /// Whether a secret or an agent that is not there fails the step.
    package var isRequired: Bool
    package var sharing: Sharing
    /// The mode of a cache's directory, a secret's file, an agent's socket.
    package var mode: UInt16?
    package var userID: UInt32
    package var groupID: UInt32
    /// Bytes of a tmpfs.
    package var size: Int64?

    package init(kind: Kind, target: String) {
        self.kind = kind
        self.target = target
        source = "/"
        isReadOnly = kind == .bind || kind == .secret || kind == .ssh
        id = ""
        isRequired = false
        sharing = .shared
        userID = 0
        groupID = 0
    }
}

/// Where files come from, beside the context.
package enum FileOrigin: Sendable, Hashable {
    /// A stage before this one, by its number.
    case stage(Int)
    /// A named context or, where there is none, an image.
    case named(String)
}

/// COPY or ADD with its values.
package struct EvaluatedTransfer: Sendable, Hashable {
    /// Whether it is ADD.
    package var isAdd: Bool
    /// Nil is the context.
    package var from: FileOrigin?
    package var sources: [Source]
    /// As written: a directory where it ends in `/`; relative to the working directory.
    package var destination: String
    /// `--chown`: `user:group`, names or numbers.
    package var owner: String?
    /// `--chmod`: octal or symbolic.
    package var mode: String?
    package var isLinked: Bool
    package var keepsParents: Bool
    package var excluded: [String]
    /// `--checksum`.
    package var checksum: String?
    package var keepsGitDirectory: Bool
    /// `--unpack`; nil is what ADD does by itself: local archives yes, addresses no.
    package var unpacks: Bool?

    package enum Source: Sendable, Hashable {
        /// A path or pattern, relative to the origin's root.
        case path(String)
        /// A file by its name and content.
        case inline(name: String, content: String)
        /// `http://`, `https://`, of ADD.
        case web(String)
        /// A repository, of ADD.
        case git(String)
    }

    package init(isAdd: Bool, sources: [Source], destination: String) {
        self.isAdd = isAdd
        self.sources = sources
        self.destination = destination
        isLinked = false
        keepsParents = false
        excluded = []
        keepsGitDirectory = false
    }
}

/// The part of an image's configuration that instructions change.
package struct ImageSettings: Sendable, Hashable {
    /// `NAME=value`, in the order they were first set.
    package var environment: [String] = []
    package var user = ""
    /// Absolute, `/` where none is set.
    package var workingDirectory = "/"
    package var command: [String]?
    package var entrypoint: [String]?
    package var shell: [String]?
    package var labels: [String: String] = [:]
    /// `80/tcp`.
    package var exposedPorts: [String] = []
    package var volumes: [String] = []
    package var stopSignal: String?
    package var healthcheck: HealthcheckSettings?
    package var onBuild: [String] = []
    /// MAINTAINER.
    package var author: String?

    package init() {}
}

/// HEALTHCHECK; times in nanoseconds, 0 where they are not set.
package struct HealthcheckSettings: Sendable, Hashable {
    /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", …]`.
    package var test: [String]
    package var interval: Int64 = 0
    package var timeout: Int64 = 0
    package var startPeriod: Int64 = 0
    package var startInterval: Int64 = 0
    package var retries = 0

    package init(test: [String]) { self.test = test }
}
