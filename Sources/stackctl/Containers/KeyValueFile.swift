import Diagnostics
import Linux

/// Files of `NAME=value` lines for `--env-file` and `--label-file`.
///
/// They are no shell: quotes are part of the value, nothing is expanded, `#` begins a comment only at the start of a
/// line.
enum KeyValueFile {
    /// The lines of a file.
    ///
    /// - Parameters:
    ///   - lookUp: the value of a name that stands alone, which is left out where this is nil; a nil function keeps it.
    ///   - option: the option that named the file, for messages.
    static func read(
        _ path: String, option: OptionDeclaration, lookUp: ((String) -> String?)?
    ) throws(Diagnostic) -> [String] {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Files.readAll(path, limit: 16 << 20)
        } catch {
            let why = error.errno == .ENOENT ? "no such file or directory" : "\(error)"
            throw FlagProblem.sentence(
                "--\(option.long): open \(path): \(why)",
                hint: "look at the path; it is read by stackctl, not the daemon")
        }
        do throws(Reason) {
            return try parse(bytes, lookUp: lookUp)
        } catch {
            throw FlagProblem.sentence("--\(option.long): invalid env file (\(path)): \(error.text)", hint: error.hint)
        }
    }

    static func parse(_ bytes: [UInt8], lookUp: ((String) -> String?)?) throws(Reason) -> [String] {
        var content = bytes[...]
        if content.starts(with: [0xEF, 0xBB, 0xBF]) { content = content.dropFirst(3) }
        var result: [String] = []
        for (index, raw) in content.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            guard let text = String(validating: raw, as: UTF8.self) else {
                throw Reason("invalid utf8 bytes at line \(index + 1)")
            }
            var line = text[...]
            if line.last == "\r" { line.removeLast() }
            while let first = line.first, first.isWhitespace { line.removeFirst() }
            guard !line.isEmpty, line.first != "#" else { continue }
            let (name, value) = CommaSeparated.cut(String(line))
            guard !name.contains(where: \.isWhitespace) else {
                throw Reason("variable '\(name)' contains whitespaces")
            }
            guard !name.isEmpty else { throw Reason("no variable name on line '\(line)'") }
            if let value {
                result.append("\(name)=\(value)")
            } else if let lookUp {
                if let found = lookUp(name) { result.append("\(name)=\(found)") }
            } else {
                result.append(name)
            }
        }
        return result
    }
}
