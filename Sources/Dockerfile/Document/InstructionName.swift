/// The instructions there are.
enum InstructionName: String, CaseIterable {
    case add = "ADD"
    case arg = "ARG"
    case cmd = "CMD"
    case copy = "COPY"
    case entrypoint = "ENTRYPOINT"
    case env = "ENV"
    case expose = "EXPOSE"
    case from = "FROM"
    case healthcheck = "HEALTHCHECK"
    case label = "LABEL"
    case maintainer = "MAINTAINER"
    case onbuild = "ONBUILD"
    case run = "RUN"
    case shell = "SHELL"
    case stopsignal = "STOPSIGNAL"
    case user = "USER"
    case volume = "VOLUME"
    case workdir = "WORKDIR"

    /// The instruction of a word, in whatever case.
    init?(word: String) {
        guard word.utf8.count <= 16 else { return nil }
        self.init(rawValue: word.uppercased())
    }

    /// Whether heredocs may follow it.
    var takesHeredocs: Bool { self == .add || self == .copy || self == .run }

    /// What a flag takes.
    enum FlagKind { case truth, text, texts }

    /// Its flags; nil where flags are passed over.
    var flags: [String: FlagKind]? {
        switch self {
        case .add:
            [
                "chown": .text, "chmod": .text, "link": .truth, "keep-git-dir": .truth, "checksum": .text,
                "unpack": .truth, "exclude": .texts,
            ]
        case .copy:
            [
                "chown": .text, "from": .text, "chmod": .text, "link": .truth, "exclude": .texts, "parents": .truth,
            ]
        case .from: ["platform": .text]
        case .healthcheck:
            ["interval": .text, "timeout": .text, "start-period": .text, "start-interval": .text, "retries": .text]
        case .run: ["mount": .texts, "network": .text, "security": .text, "device": .texts]
        case .arg, .stopsignal: nil
        default: [:]
        }
    }
}
