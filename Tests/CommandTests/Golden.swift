import Linux
import Testing

/// Compares text with a file under Golden/; `STACKCTL_UPDATE_GOLDEN=1` writes the file instead.
enum Golden {
    private static let folder: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast().joined(separator: "/") + "/Golden"
    }()

    static func expect(_ text: String, _ name: String, sourceLocation: Testing.SourceLocation = #_sourceLocation) throws
    {
        let path = "\(folder)/\(name)"
        if Environment.get("STACKCTL_UPDATE_GOLDEN") != nil {
            try Files.makeDirectories(
                path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/"))
            try Files.writeAtomically(path, Array(text.utf8))
            return
        }
        guard Files.exists(path) else {
            Issue.record(
                "Golden/\(name) is missing: STACKCTL_UPDATE_GOLDEN=1 writes it", sourceLocation: sourceLocation)
            return
        }
        #expect(text == (try Files.readText(path)), "differs from Golden/\(name)", sourceLocation: sourceLocation)
    }
}
