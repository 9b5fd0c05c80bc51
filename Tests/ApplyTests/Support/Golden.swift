import Linux
import Testing

/// Text kept in a file beside the tests.
///
/// `STACKCTL_UPDATE_GOLDEN=1` writes it anew; look at the difference then.
enum Golden {
    static func check(_ text: String, _ name: String, file: String = #filePath) throws {
        let folder = file.split(separator: "/").dropLast().joined(separator: "/")
        let path = "/\(folder)/Golden/\(name).txt"
        if Environment.get("STACKCTL_UPDATE_GOLDEN") == "1" {
            try Files.writeAtomically(path, Array((text + "\n").utf8), mode: 0o644)
        }
        let expected = try Files.readText(path)
        #expect(text + "\n" == expected, "differs from Golden/\(name).txt")
    }
}
