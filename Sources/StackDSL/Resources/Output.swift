import Diagnostics
import JSONText
import StackModel

/// A value shown after apply, for people and scripts.
public struct Output: Sendable {
    let name: String
    let text: Text
    let isSensitive: Bool
    let location: SourceLocation

    /// An output.
    ///
    /// - Parameters:
    ///   - name: its name.
    ///   - value: its value, which may hold references.
    ///   - sensitive: whether it is hidden unless asked for.
    public init(
        _ name: String, _ value: Text, sensitive: Bool = false, fileID: String = #fileID, line: Int = #line
    ) {
        self.name = name
        text = value
        isSensitive = sensitive
        location = SourceLocation(fileID: fileID, line: line)
    }

    /// An output of one reference.
    public init(
        _ name: String, _ value: Reference, sensitive: Bool = false, fileID: String = #fileID, line: Int = #line
    ) {
        self.init(name, Text(value), sensitive: sensitive, fileID: fileID, line: line)
    }

    /// An output of a plain string.
    @_disfavoredOverload
    public init(
        _ name: String, _ value: some StringProtocol, sensitive: Bool = false, fileID: String = #fileID,
        line: Int = #line
    ) {
        self.init(name, Text(String(value)), sensitive: sensitive, fileID: fileID, line: line)
    }
}
