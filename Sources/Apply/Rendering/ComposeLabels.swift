/// The labels that compose projects put on their objects for other tools: nobody wrote them, so plans do not list them.
enum ComposeLabels {
    static let words = "compose's own labels"
    private static let prefix = "labels.com.docker.compose."

    /// The reasons that say something: labels of compose only as one, and only where nothing else changes.
    static func shown(_ change: Change) -> [ChangeReason] {
        let others = change.reasons.filter { !$0.path.hasPrefix(prefix) }
        guard others.isEmpty, change.action != .create, var first = change.reasons.first else { return others }
        first.path = ""
        first.note = words
        return [first]
    }
}
