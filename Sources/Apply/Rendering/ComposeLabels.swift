/// The labels that compose projects put on their objects for other tools: nobody wrote them, so plans do not list them.
enum ComposeLabels {
    static let words = "compose's own labels"
    static let prefix = "labels.com.docker.compose."
}

extension Change {
    /// The reasons that say something: labels of compose only as one, and only where nothing else changes.
    package var shownReasons: [ChangeReason] {
        let others = reasons.filter { !$0.path.hasPrefix(ComposeLabels.prefix) }
        guard others.isEmpty, action != .create, var first = reasons.first else { return others }
        first.path = ""
        first.note = ComposeLabels.words
        return [first]
    }
}
