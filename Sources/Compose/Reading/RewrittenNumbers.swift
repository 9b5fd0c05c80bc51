import Diagnostics

/// Numbers that stand where texts are wanted, and that come out otherwise than they are written: `3.10` is 3.1, and
/// `010` is 8, as in Docker Compose.
struct RewrittenNumbers {
    private let written: [SourceLocation: String]

    /// - Parameter written: the numbers that are printed otherwise, as they are written.
    init(_ written: [SourceLocation: String]) { self.written = written }

    /// A warning for each variable, argument and label that is one.
    func warnings(_ documents: [ComposeNode]) -> [Diagnostic] {
        guard !written.isEmpty else { return [] }
        var known: Set<SourceLocation> = []
        var warnings: [Diagnostic] = []
        for service in documents.flatMap({ $0["services"]?.map?.entries ?? [] }) {
            let build = service.value["build"]
            let maps = [
                service.value["environment"], service.value["labels"], service.value["annotations"], build?["args"],
                build?["labels"],
            ]
            for entry in maps.flatMap({ $0?.map?.entries ?? [] }) {
                guard let text = written[entry.value.location], let printed = entry.value.text,
                    known.insert(entry.value.location).inserted
                else { continue }
                warnings.append(
                    Diagnostic(
                        severity: .warning, code: "SC2015",
                        summary: "\(entry.key): \(text) is a number, and so is passed on as \(printed)",
                        hint: "write it in quotes where it is meant as it stands: \"\(text)\"",
                        location: entry.value.location))
            }
        }
        return warnings
    }
}
