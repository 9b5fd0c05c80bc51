/// The rules of `--check`, by BuildKit's names.
package enum LintRule: String, Sendable, Hashable, CaseIterable {
    case stageNameCasing = "StageNameCasing"
    case fromAsCasing = "FromAsCasing"
    case noEmptyContinuation = "NoEmptyContinuation"
    case consistentInstructionCasing = "ConsistentInstructionCasing"
    case duplicateStageName = "DuplicateStageName"
    case reservedStageName = "ReservedStageName"
    case jsonArgsRecommended = "JSONArgsRecommended"
    case maintainerDeprecated = "MaintainerDeprecated"
    case undefinedArgInFrom = "UndefinedArgInFrom"
    case workdirRelativePath = "WorkdirRelativePath"
    case undefinedVar = "UndefinedVar"
    case multipleInstructionsDisallowed = "MultipleInstructionsDisallowed"
    case legacyKeyValueFormat = "LegacyKeyValueFormat"
    case redundantTargetPlatform = "RedundantTargetPlatform"
    case secretsUsedInArgOrEnv = "SecretsUsedInArgOrEnv"
    case invalidDefaultArgInFrom = "InvalidDefaultArgInFrom"
    case fromPlatformFlagConstDisallowed = "FromPlatformFlagConstDisallowed"
    case copyIgnoredFile = "CopyIgnoredFile"
    case invalidDefinitionDescription = "InvalidDefinitionDescription"
    case exposeProtoCasing = "ExposeProtoCasing"
    case exposeInvalidFormat = "ExposeInvalidFormat"

    /// Whether it is on trial, and only used where `# check=experimental=` names it.
    package var isExperimental: Bool { self == .invalidDefinitionDescription }
}

/// What a rule found.
struct LintRemark: Hashable {
    var rule: LintRule
    var message: String
    var span: SourceSpan
    /// The comments before the instruction, which may pass over rules.
    var comments: [String]

    init(_ rule: LintRule, _ message: String, _ span: SourceSpan, comments: [String] = []) {
        self.rule = rule
        self.message = message
        self.span = span
        self.comments = comments
    }
}
